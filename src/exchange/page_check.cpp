#include "exchange/page_check.h"

#include <algorithm>
#include <array>
#include <span>

#include "exchange/known_good.h"
#include "exchange/page_flow.h"
#include "exchange/page_text.h"

namespace postern::exchange {
namespace {

constexpr auto kNone = std::string_view::npos;

// Hidden code within hidden code, and no further.
constexpr int kMaxDepth = 3;

bool has(std::string_view text, std::string_view needle) {
  return text.find(needle) != kNone;
}

bool has_any(std::string_view text, std::span<const std::string_view> needles) {
  return std::ranges::any_of(needles, [&](std::string_view needle) { return has(text, needle); });
}

template <std::size_t N>
constexpr std::array<std::string_view, N> words(const std::string_view (&list)[N]) {
  return std::to_array(list);
}

// Calls that run code which is data.
constexpr auto kRunners = words({
    "executeglobal",
    "jscriptevaluate(",
    ".compileassemblyfromsource(",
    ".compileassemblyfromfile(",
    ".compileassemblyfromdom(",
    "assembly.load(",
    "assembly.loadfrom(",
    "assembly.unsafeloadfrom(",
    "assembly.loadfile(",
    "currentdomain.load(",
    "appdomain.load(",
    ".addscript(",
    ".addcommand(",
    "scriptblock.create(",
    "csharpscript.evaluate",
    "csharpscript.run",
    ".executestatement(",
    "scriptcontrol.eval(",
    ".addcode(",
    "xamlreader.load(",
    "xamlreader.parse(",
    "xamlservices.parse(",
    "createexpressionevaluator(",
});
// What only a page that makes code has.
constexpr auto kCodeMakers = words({
    "csharpcodeprovider",
    "vbcodeprovider",
    "jscriptcodeprovider",
    "codedomprovider.create",
    "compileassemblyfromsource",
    "powershell.create(",
    "runspacefactory",
    "vsaengine",
    "microsoft.jscript",
    "ilgenerator",
    "dynamicmethod(",
    "getdelegateforfunctionpointer",
});
// Calls that start a program.
constexpr auto kStarters = words({
    "process.start(",
    "newprocessstartinfo(",
    "processstartinfo(",
    "shellexecute(",
    "winexec(",
    "createprocess(",
    "wscript.shell",
    ".exec(",
    ".run(",
});
constexpr auto kNamesOfRunners = words({
    "wscript.shell",
    "shell.application",
    "system.diagnostics.process",
    "diagnostics.process",
    "microsoft.jscript",
    "system.reflection.assembly",
    "csharpcodeprovider",
    "scriptcontrol",
    "codedomprovider",
    "jscriptevaluate",
    "win32_process",
    "xp_cmdshell",
    "sp_oacreate",
    "powershell.exe",
    "cmd.exe",
});
constexpr auto kByName = words({
    "createobject(",
    "gettype(",
    "createinstance(",
    "invokemember(",
    "getmethod(",
    "getobject(",
    "createinstancefrom(",
    "createcominstancefrom(",
    "activexobject(",
    "objectfactory",
});
constexpr auto kDeserializers = words({
    "binaryformatter",
    "losformatter",
    "objectstateformatter",
    "soapformatter",
    "netdatacontractserializer",
});

class Checker {
 public:
  Checker(std::string_view extension, std::vector<PageSign>& out)
      : extension_(extension), out_(out) {}

  void page(const PageText& page) {
    const PageCode code = page_code(page.text, extension_);
    const std::string low = lower(page.text);
    check_directives(code, low);
    check_oab(low);
    const bool controls = has(low, "<asp:textbox") || has(low, "<asp:hiddenfield") ||
                          (has(low, "<input") && has(low, "runat")) ||
                          (has(low, "<textarea") && has(low, "runat"));
    const bool classic =
        extension_ == "asp" || extension_ == "asa" || extension_ == "cer" || extension_ == "cdx";
    jscript_ = code.jscript;
    check_code(plain_code(code.code, code.braces), controls, classic, 0);
    // The guess of the language may be wrong: comments and quotes are then other ones.
    if (out_.empty() && !code.declared)
      check_code(plain_code(code.code, !code.braces), controls, classic, 0);
    check_others(low);
    if (!out_.empty() && page.text.size() < 2048 && strongest() >= 80) {
      bump(3, "the whole page is under 2 KB");
    }
    if (page.utf16 && strongest() >= 50) bump(5, "it is UTF-16, as no page of Microsoft's is");
  }

 private:
  void say(int confidence, std::string_view what, std::string_view rule = "F-06") {
    for (PageSign& sign : out_) {
      if (sign.what != what) continue;
      sign.confidence = std::max(sign.confidence, confidence);
      return;
    }
    out_.push_back({std::string(rule), confidence, std::string(what)});
  }

  int strongest() const {
    int out = 0;
    for (const PageSign& sign : out_) out = std::max(out, sign.confidence);
    return out;
  }

  // Adds to the strongest sign what says nothing by itself.
  void bump(int by, std::string_view what) {
    const auto at = std::ranges::max_element(out_, {}, &PageSign::confidence);
    if (at == out_.end()) return;
    at->confidence = std::min(99, at->confidence + by);
    at->what += "; ";
    at->what += what;
  }

  void check_directives(const PageCode& code, std::string_view low) {
    if (has(code.directives, "65000") || has(code.directives, "utf-7")) {
      say(85, "its code is written in UTF-7");
    }
    // Code that stands in a file which is none.
    for (const std::string_view attribute : {"src=\"", "codefile=\"", "codebehind=\"", "src='"}) {
      for (std::size_t at = code.directives.find(attribute); at != kNone;
           at = code.directives.find(attribute, at + 1)) {
        const std::size_t begin = at + attribute.size();
        const std::size_t end =
            std::min(code.directives.find_first_of("\"'", begin), code.directives.size());
        const std::string ending(extension_of(code.directives.substr(begin, end - begin)));
        static constexpr auto kData = words({"jpg", "jpeg", "png", "gif", "ico", "txt", "log",
                                             "css", "bmp", "dat", "tmp", "xml", "html", "htm"});
        if (std::ranges::find(kData, ending) != kData.end()) {
          say(85, "its code stands in a file whose name is not that of code");
        }
      }
    }
    for (std::size_t at = low.find("#include"); at != kNone; at = low.find("#include", at + 1)) {
      const std::string_view tag = low.substr(at, low.substr(at, 300).find("-->"));
      static constexpr auto kPictures =
          words({".jpg\"", ".jpeg\"", ".png\"", ".gif\"", ".ico\"", ".bmp\"", ".dat\"", ".tmp\""});
      if (has_any(tag, kPictures)) say(80, "it includes a picture as if it were code");
    }
    if ((extension_ == "shtml" || extension_ == "shtm" || extension_ == "stm") &&
        has(low, "<!--#exec")) {
      say(85, "it starts a program for a server-side include");
    }
  }

  // PL-17: what a virtual directory's settings say, with a script among them.
  void check_oab(std::string_view low) {
    const bool url = has(low, "externalurl") || has(low, "internalurl");
    const bool dump =
        has(low, "internalauthenticationmethods") && has(low, "extendedprotectiontokenchecking");
    const bool script = has(low, "<script") || has(low, "runat") || has(low, "<%");
    if (url && dump && script && low.size() < 50 * 1024) {
      say(99, "the settings of a virtual directory with a script in its URL", "PL-17");
    }
  }

  void check_code(const PlainCode& code, bool controls, bool classic, int depth) {
    const PageFlow flow(code.outside, controls);
    const bool input = flow.reads_request();
    check_evaluation(code, flow, classic);
    check_runners(code, flow);
    check_starters(code, flow);
    check_names(code, flow);
    check_writing(code, flow);
    check_others_of_dotnet(code, flow);
    check_disguise(code, input);
    if (depth >= kMaxDepth) return;
    for (const std::string& text : hidden_texts(code)) {
      check_hidden(text, code, flow, depth);
    }
  }

  void check_evaluation(const PlainCode& code, const PageFlow& flow, bool classic) {
    const auto eval = flow.calls_of("eval(", false);
    const bool unsafe = std::ranges::find(code.strings, "unsafe") != code.strings.end();
    if (eval.any && (jscript_ || classic || unsafe || has(code.outside, "eval(request"))) {
      if (eval.worst == Taint::client) say(96, "it evaluates what a client sends");
      if (eval.worst == Taint::unknown) say(80, "it evaluates code that is made while it runs");
    }
    for (const std::string_view word : {"execute(", "execute ", "executeglobal(", "eval "}) {
      if (!classic && !has(code.outside, "request(")) break;
      const auto call = flow.calls_of(word, false);
      if (call.any && call.worst == Taint::client) say(96, "it executes what a client sends");
      if (call.any && call.worst == Taint::unknown && classic) {
        say(75, "it executes code that is made while it runs");
      }
    }
  }

  void check_runners(const PlainCode& code, const PageFlow& flow) {
    const bool input = flow.reads_request() || has(code.outside, "session[") ||
                       has(code.outside, "session(") || has(code.outside, "application[");
    for (const std::string_view name : kRunners) {
      const auto call = flow.calls_of(name);
      if (!call.any || call.worst == Taint::literal) continue;
      if (call.worst == Taint::client) say(94, "it loads or runs code that a client sends");
      const bool made = has(code.outside, "frombase64") || has(code.outside, "decryptor(") ||
                        has(code.outside, "gzipstream") || has(code.outside, "deflatestream") ||
                        has(code.outside, "^");
      if (call.worst == Taint::unknown && made) say(90, "it loads code that it decodes first");
      if (call.worst == Taint::unknown && (input || has(code.outside, "webclient"))) {
        say(82, "it loads or runs code, and reads requests");
      }
    }
    if (has_any(code.outside, kCodeMakers)) {
      say(input ? 90 : 65, "it compiles or generates code");
    }
    if (has(code.outside, "virtualalloc") || has(code.outside, "createthread(intptr")) {
      say(94, "it runs machine code");
    }
    if (has(code.outside, "registervirtualpathprovider") || has(code.outside, "newhttplistener")) {
      say(84, "it makes pages that are in no file");
    }
  }

  void check_starters(const PlainCode& code, const PageFlow& flow) {
    Taint worst = Taint::literal;
    bool any = false;
    const auto add = [&](const PageFlow::Calls& call) {
      any = any || call.any;
      worst = std::max(worst, call.worst);
    };
    for (const std::string_view name : kStarters) {
      // These two are the names of many things; with a shell's object they start programs.
      const bool common = name == ".exec(" || name == ".run(";
      const bool shell = std::ranges::any_of(code.strings, [](const std::string& text) {
        return lower(text).find("wscript.shell") != kNone;
      });
      if (!common || shell) add(flow.calls_of(name));
    }
    add(flow.calls_of("shell(", false));
    if (has(code.outside, "process")) {
      if (has(code.outside, "startinfo") || has(code.outside, "newprocess(")) {
        add(flow.assigned_to("filename="));
        add(flow.assigned_to(".arguments="));
        add(flow.assigned_to(".startinfo="));
        add(flow.calls_of(".standardinput.write"));
      }
    }
    if (!any) return;
    const bool shell = std::ranges::any_of(code.strings, [](const std::string& text) {
      const std::string low = lower(text);
      return low.starts_with("cmd") || has(low, "cmd.exe") || has(low, "powershell") ||
             has(low, "/c ") || has(low, "\\system32\\");
    });
    if (worst == Taint::client) {
      say(94, "it starts programs as a client says");
    } else if (worst == Taint::unknown && flow.reads_request()) {
      say(shell ? 84 : 70, "it starts programs, and reads requests");
    } else if (shell && worst == Taint::unknown) {
      say(65, "it starts a command line");
    }
  }

  // Types and objects by their names, which may be made up of pieces.
  void check_names(const PlainCode& code, const PageFlow& flow) {
    bool by_name = false;
    for (const std::string_view maker : kByName) {
      const auto call = flow.calls_of(maker);
      by_name = by_name || call.any;
      const bool named = maker == "gettype(" || maker == "createobject(" ||
                         maker == "invokemember(" || maker == "getmethod(";
      if (named && call.any && call.worst == Taint::client) {
        say(86, "it calls what a client names");
      }
    }
    if (!by_name) return;
    for (const std::string& text : code.strings) {
      if (!has_any(lower(text), kNamesOfRunners)) continue;
      say(flow.reads_request() ? 88 : 62, "it takes what starts programs by its name");
      return;
    }
  }

  void check_writing(const PlainCode& code, const PageFlow& flow) {
    static constexpr auto kWriters =
        words({"file.writealltext(", "file.writeallbytes(", "file.appendalltext(", "file.create(",
               "file.createtext(", "file.openwrite(", "newstreamwriter(", "newfilestream(",
               "streamwriter(", "filestream(", ".createtextfile(", ".savetofile(", ".savetofile ",
               ".downloadfile(", ".opentextfile(", ".saveas(", "file.copy(", "file.move("});
    const bool page = std::ranges::any_of(code.strings, [](const std::string& text) {
      const std::size_t dot = text.rfind('.');
      return dot != kNone && dot + 5 <= text.size() && is_page_extension(text.substr(dot + 1));
    });
    for (const std::string_view writer : kWriters) {
      const auto call = flow.calls_of(writer);
      if (!call.any || call.worst != Taint::client) continue;
      const bool from_files = has(code.outside, "request.files") || has(code.outside, "postedfile");
      if (writer == ".saveas(" && from_files && !by_request(code.outside, writer)) continue;
      if (page) {
        say(88, "it writes what a client sends into a page");
      } else if (path_is_clients(code.outside, writer, flow)) {
        say(83, "it writes files where a client says");
      }
    }
  }

  // Whether the first argument of a call is the client's: the path, not what is written.
  static bool path_is_clients(std::string_view outside, std::string_view name,
                              const PageFlow& flow) {
    for (std::size_t at = outside.find(name); at != kNone; at = outside.find(name, at + 1)) {
      std::size_t end = at + name.size();
      int depth = 0;
      for (; end < outside.size() && end < at + 600; ++end) {
        const char c = outside[end];
        if (c == '(' || c == '[') ++depth;
        if ((c == ')' || c == ']') && --depth < 0) break;
        if (c == ',' && depth == 0) break;
      }
      if (flow.taint_of(outside.substr(at + name.size(), end - at - name.size())) ==
          Taint::client) {
        return true;
      }
    }
    return false;
  }

  static bool by_request(std::string_view outside, std::string_view name) {
    for (std::size_t at = outside.find(name); at != kNone; at = outside.find(name, at + 1)) {
      const std::string_view arguments = outside.substr(at, 200);
      static constexpr auto kNamed =
          words({"request[", "request(", "request.form", "request.querystring", "request.headers",
                 "request.params", "request.item"});
      if (has_any(arguments.substr(0, arguments.find(';')), kNamed)) return true;
    }
    return false;
  }

  void check_others_of_dotnet(const PlainCode& code, const PageFlow& flow) {
    const std::string& text = code.outside;
    const bool input = flow.reads_request();
    if (has_any(text, kDeserializers)) {
      const auto call = flow.calls_of(".deserialize(");
      if (call.any && call.worst == Taint::client)
        say(82, "it revives objects that a client sends");
    }
    const bool sockets =
        has(text, "newtcpclient(") || has(text, "newsocket(") || has(text, "sockets.socket(");
    const bool answers = has(text, "response.binarywrite") || has(text, "response.outputstream") ||
                         has(text, "response.write");
    if (sockets && answers && input && (has(text, ".connect(") || has(text, "newtcpclient("))) {
      const auto connect = flow.calls_of(".connect(");
      const auto client = flow.calls_of("newtcpclient(");
      if (connect.worst == Taint::client || client.worst == Taint::client) {
        say(85, "it passes a client's octets on to other servers");
      }
    }
    if (has(text, "xslcompiledtransform") || has(text, "newxsltransform") ||
        has(text, "xslttransform")) {
      const bool scripts = has(text, "enablescript") || has(text, "trustedxslt") ||
                           has(text, "newxsltsettings(true,true") || has(code.lower, "msxsl");
      if (scripts && input) say(90, "it runs scripts of style sheets that a client sends");
    }
    for (const std::string_view name :
         {"newsqlconnection(", "newoledbconnection(", "newodbcconnection("}) {
      const auto call = flow.calls_of(name);
      if (call.any && call.worst == Taint::client) {
        say(70, "it connects to databases as a client says");
      }
    }
    if (has(text, "machinekeysection") || has(code.lower, "system.web/machinekey")) {
      say(80, "it reads the server's machine keys");
    }
  }

  void check_disguise(const PlainCode& code, bool input) {
    if (code.escapes >= 3) say(86, "names in its code are written as escapes");
    if (code.invisible >= 1 && code.outside.size() > 8) {
      say(86, "names in its code hold characters that are not seen");
    }
    if (code.broken >= 4) say(input ? 80 : 60, "comments break its expressions into pieces");
    const bool decodes = has(code.outside, "frombase64") && input;
    for (const std::string& text : code.strings) {
      if (!decodes || text.size() < 4000 || from_base64(text).empty()) continue;
      say(60, "it decodes a large text that it holds, and reads requests");
      return;
    }
  }

  // Code in a string: nothing that is ordinary hides a request or what runs it.
  void check_hidden(const std::string& text, const PlainCode& outer, const PageFlow& flow,
                    int depth) {
    const PlainCode inner = plain_code(text, true);
    const std::string low = lower(text);
    const bool decoded = text != outer.cased;
    std::vector<PageSign> found;
    Checker checker(extension_, found);
    checker.jscript_ = true;
    checker.check_code(inner, false, false, depth + 1);
    int worst = 0;
    for (const PageSign& sign : found) worst = std::max(worst, sign.confidence);
    if (worst >= 60) say(std::min(95, worst + 2), "what it hides in its strings runs code");
    const bool names = has_any(low, kNamesOfRunners);
    if (decoded && names && (flow.reads_request() || has(outer.outside, "invoke"))) {
      say(90, "it hides the names of what starts programs");
    } else if (decoded && names) {
      say(75, "it hides the names of what starts programs");
    }
    if (decoded && has(low, "request[") && has(low, "eval(")) {
      say(95, "it hides that it evaluates what a client sends");
    }
  }

  // Languages that IIS runs where somebody installed them.
  void check_others(std::string_view low) {
    const bool php = extension_ == "php" || has(low, "<?php");
    if (php) {
      static constexpr auto kInput = words(
          {"$_get", "$_post", "$_request", "$_cookie", "php://input", "$_server", "getallheaders"});
      static constexpr auto kRun =
          words({"eval(", "assert(", "system(", "shell_exec(", "passthru(", "popen(", "proc_open(",
                 "create_function(", "call_user_func", "array_map(", "preg_replace(", "exec("});
      if (has_any(low, kRun) && has_any(low, kInput)) say(90, "it runs what a client sends");
    }
    if (extension_ == "jsp" || extension_ == "jspx") {
      static constexpr auto kRun = words({"getruntime(", "processbuilder", "defineclass("});
      if (has_any(low, kRun) && has(low, "request.get")) say(90, "it runs what a client sends");
    }
    if (extension_ == "cfm" && has(low, "<cfexecute") && (has(low, "form.") || has(low, "url."))) {
      say(90, "it runs what a client sends");
    }
  }

  std::string_view extension_;
  std::vector<PageSign>& out_;
  bool jscript_ = false;
};

}  // namespace

std::vector<PageSign> check_page(std::string_view name, OctetView content) {
  std::vector<PageSign> out;
  const std::string extension = lower(extension_of(name));
  const PageText page = decode_page(content);
  const std::string_view head = text_of(content.first(std::min<std::size_t>(content.size(), 4)));
  if (is_page_extension(extension) && !page.utf16) {
    const bool tag = has_server_code(content);
    const bool mailbox = head.starts_with("!BDN");
    const bool certificate = head.starts_with("\x30\x82");
    if (mailbox || certificate || page.binary) {
      const bool code =
          tag || has(lower(page.text), "page language") || has(lower(page.text), "<script");
      // A signed script of Microsoft's may end in a few binary octets; a store of mail never does.
      if (code || mailbox) {
        out.push_back({"PS-08", code ? 97 : 90,
                       mailbox       ? "a mailbox export under a page's name"
                       : certificate ? "a certificate request under a page's name"
                                     : "binary data with code for the server under a page's name"});
      }
    }
  }
  Checker(extension, out).page(page);
  std::erase_if(out, [](const PageSign& sign) { return sign.confidence < 50; });
  std::ranges::stable_sort(out, std::ranges::greater(), &PageSign::confidence);
  return out;
}

bool has_server_code(OctetView content) {
  const std::string low = lower(text_of(content.first(std::min(content.size(), kMaxPageOctets))));
  if (has(low, "<%@") || has(low, "<%=")) return true;
  for (std::size_t at = low.find("<script"); at != kNone; at = low.find("<script", at + 1)) {
    const std::string_view tag = std::string_view(low).substr(at, 300);
    if (has(tag.substr(0, tag.find('>')), "runat")) return true;
  }
  const std::size_t open = low.find("<%");
  return open != kNone && low.find("%>", open) != kNone && low.find("request", open) != kNone;
}

}  // namespace postern::exchange
