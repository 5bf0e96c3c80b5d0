#include "app/commands.h"

#include <cstdio>

#include <fmt/format.h>

#include "app/client_commands.h"
#include "app/evidence_commands.h"
#include "app/exposure_command.h"
#include "app/gate_commands.h"
#include "app/quarantine_commands.h"
#include "app/server_commands.h"
#include "app/sweep_commands.h"

namespace postern::app {
namespace {

int run_completion(const Arguments& arguments) {
  if (arguments.positional().front() != "bash") {
    std::fputs("postern completion: only bash is known\n", stderr);
    return kExitUsage;
  }
  std::fputs(bash_completion(commands()).c_str(), stdout);
  return kExitGood;
}

// How a running server is found, for every command that asks one.
constexpr Flag kJson = {"json", 0, "", "Print JSON, for programs."};
constexpr Flag kConfig = {"config", 'c', "FILE",
                          "The server's configuration file, to find its socket."};
constexpr Flag kStateDir = {"state-dir", 0, "DIR",
                            "The server's state folder, to find its socket."};
constexpr Flag kSocket = {"socket", 0, "PATH", "The server's control socket itself."};

constexpr Flag kSweepData = {"data", 0, "DIR",
                             "Where imported hashes and signatures are, and what is remembered of "
                             "earlier sweeps; else sweep in the state folder."};

constexpr Flag kSweepFlags[] = {
    {"case", 0, "ID", "What this case is called in reports and indicators."},
    {"csv", 0, "FILE", "Write the findings as CSV, too."},
    {"html", 0, "FILE", "Write the report as a page that needs nothing else, too."},
    {"json", 0, "", "Print JSON, for programs: all of it, also what the text cuts."},
    {"own", 0, "WHAT",
     "An address, a network or a domain of one's own, which is no indicator; may be given again."},
    {"publish", 0, "FILE",
     "Write addresses and names of proved intruders as a feed that the resolver loads (format "
     "stix)."},
    {"stix", 0, "FILE", "Write what was proved as a STIX 2.1 bundle, with hashes of files."},
    kSweepData,
    {"no-state", 0, "", "Read every file, and remember nothing."},
    {"since", 0, "last",
     "Say what is new, changed, gone and still there since the last sweep of the same server; the "
     "exit status then tells of what is new alone."},
    {"threads", 0, "N",
     "Look at so many files at a time (1 to 64); else as many as there are cores."},
};

constexpr Flag kExposureFlags[] = {
    {"file", 'f', "FILE", "A list of domains: CSV with a header, or a domain a line."},
    {"column", 0, "NAME", "The list's column with the domains, by name or number; else domain."},
    {"json", 0, "", "Print JSON, for programs: with every record that says something."},
    {"csv", 0, "FILE", "Write a row for each domain, with the list's own columns, too."},
    {"records", 0, "", "Show the records that say so, with their rules, below each domain."},
    {"since", 0, "last", "Show only what changed since the last run; findings are changes then."},
    {"state", 0, "FILE",
     "Where the last run is remembered; else exposure.sqlite in the state folder."},
    {"no-state", 0, "", "Compare with nothing, and remember nothing."},
    {"resolver", 0, "ADDR",
     "Ask this resolver (udp://ADDR:PORT, tcp://, tls://ADDR#NAME); else as the configuration "
     "says, which is by recursion of our own."},
    {"config", 'c', "FILE",
     "The configuration whose resolver section says how names are resolved."},
    {"data", 0, "FILE",
     "A pack whose rules add to the built-in ones, or replace those of the same id; may be given "
     "again."},
    {"in-flight", 0, "N", "So many questions under way at most (1 to 1000; 64)."},
    {"timeout", 0, "TIME", "Wait so long for one answer (8s); what nobody answers is asked twice."},
    {"budget", 0, "TIME", "End after so long; what was not asked by then is not known."},
};

constexpr Flag kSweepImportFlags[] = {kSweepData};

constexpr Flag kSweepEvalFlags[] = {
    kSweepData,
    kJson,
    {"label", 0, "WORD",
     "What files are whose folder says nothing of it: malicious (without it) or benign."},
};

constexpr Flag kControlFlags[] = {kJson, kConfig, kStateDir, kSocket};

constexpr Flag kPageFlags[] = {
    {"before", 0, "ID", "Only what is older than that one."}, kJson, kConfig, kStateDir, kSocket};

constexpr Flag kUpdateFlags[] = {
    {"accept", 0, "",
     "This once, take a list with so few rules, or so many more than it had: it is meant to be "
     "so."},
    kJson,
    kConfig,
    kStateDir,
    kSocket,
};

constexpr Flag kPreviewFlags[] = {
    {"file", 'f', "FILE",
     "Of this file instead of what the server holds: nothing is put in force."},
    {"url", 0, "URL", "Of what is there."},
    {"format", 0, "FORMAT", "How that is written; else as the configuration says of NAME."},
    kJson,
    kConfig,
    kStateDir,
    kSocket,
};

constexpr Flag kQueryFlags[] = {
    {"server", 's', "ADDR[:PORT]", "Ask this one; else the running server."},
    {"tcp", 0, "", "Ask over TCP at once."},
    {"dnssec", 0, "", "Set DO: ask for signatures too."},
    kJson,
    kConfig,
    kStateDir,
    kSocket,
};

constexpr Flag kExplainFlags[] = {
    {"client", 0, "ADDR", "For this client's group; else the default group."},
    {"client-id", 0, "ID", "For the group of who is called so behind a forwarder."},
    {"device", 0, "MAC", "For the group of this device."},
    {"type", 't', "TYPE", "The record type asked for (A)."},
    {"at", 0, "TIME",
     "With the rules of then, for the groups of now: 1h, 2d ago, or 2026-03-02T08:00:00Z."},
    {"candidate", 0, "FEED", "With the update of this feed that the gate holds."},
    {"trace", 0, "ID",
     "Instead of NAME: the query with this trace id, what was decided then and what would be now."},
    kJson,
    kConfig,
    kStateDir,
    kSocket,
};

constexpr Flag kLogFlags[] = {
    {"since", 0, "TIME", "From then on: 1h, 30m, 2d ago, or 2026-03-02T08:00:00Z."},
    {"until", 0, "TIME", "Before then."},
    {"client", 0, "ADDR[/N]", "This client or network."},
    {"name", 'n', "TEXT", "Names that hold this text."},
    {"below", 0, "NAME", "This name and all below it."},
    {"disposition", 'd', "WORD", "answered, allowed, blocked, observed, refused or failed."},
    {"zone", 'z', "NAME", "Decided by this feed or list."},
    {"group", 'g', "NAME", "Clients of this group."},
    {"type", 't', "TYPE", "This record type."},
    {"rcode", 0, "RCODE", "Answered with this code."},
    {"trace", 0, "ID", "The query with this trace id."},
    {"limit", 'l', "N", "At most so many, the newest (100, at most 100000)."},
    {"follow", 'f', "", "Show queries as they come, until interrupted."},
    kJson,
    kConfig,
    kStateDir,
    kSocket,
};

constexpr Flag kExceptionFlags[] = {
    {"for", 0, "TIME", "How long it holds: 30m, 1h, 7d (at most 366d)."},
    {"client", 0, "ADDR[/N]", "For this client or network; else for everyone."},
    {"group", 'g', "NAME", "For the clients of this group."},
    {"tenant", 0, "NAME", "For the clients of this tenant's groups."},
    {"reason", 'r', "TEXT", "Why: shown wherever the exception is, and kept in the audit."},
    kJson,
    kConfig,
    kStateDir,
    kSocket,
};

constexpr Flag kServeFlags[] = {
    {"config", 'c', "FILE", "The configuration; without it the defaults serve."},
    {"state-dir", 0, "DIR", "Where state is kept, instead of the file's state_dir."},
    {"listen", 'l', "ADDR:PORT", "Answer here instead of server.listen; may be given again."},
    {"user", 'u', "NAME", "Started as root: work as this user, and keep no privilege."},
};

constexpr Flag kCheckFlags[] = {
    {"config", 'c', "FILE", "The configuration to check."},
    {"state-dir", 0, "DIR",
     "The server's state folder: the copies of fetched feeds are read from it."},
    {"config-only", 0, "", "Do not read the feeds."},
    {"print", 0, "WHAT", "Print the example, schema or reference of the configuration instead."},
    kJson,
};

constexpr Flag kKeys = {"keys", 0, "DIR",
                        "Where the key is that signs; made there at its first use."};
constexpr Flag kKey = {"key", 0, "FILE",
                       "The public key, in PEM, that the pack must be signed with."};

constexpr Flag kCreateFlags[] = {
    {"pack", 0, "DIR",
     "The pack's folder: a new one, or one whose making was interrupted. Never beneath ROOT."},
    {"case", 0, "NAME", "What the pack is for; it is in the signed manifest."},
    {"from", 0, "FILE", "Keep the places of these findings, too (JSON)."},
    kKeys,
    kJson,
};

constexpr Flag kVerifyFlags[] = {kKey, kJson};

constexpr Flag kRestoreFlags[] = {
    {"to", 0, "DIR", "Where they are restored; what is there stays as it is."}, kKey, kJson};

constexpr Flag kPlanFlags[] = {
    {"out", 0, "FILE", "Write the plan there as JSON, for apply."},
    {"root", 0, "DIR", "The tree, where it is mounted elsewhere than the findings say."},
    kJson,
};

constexpr Flag kApplyFlags[] = {
    {"pack", 0, "DIR", "The evidence pack that holds every file of the plan; it is verified."},
    {"to", 0, "DIR", "The folder that the files are taken to. Never beneath the tree."},
    {"yes", 0, "", "Do it; else it is only said what would be done."},
    kKeys,
    kJson,
};

constexpr Flag kRollbackFlags[] = {
    {"yes", 0, "", "Do it; else it is only said what would be done."}, kKeys, kJson};

constexpr Command kCommands[] = {
    {"serve", "", 0, 0, "Run the server in the foreground; SIGHUP reloads, SIGTERM ends it.",
     "postern serve -c /etc/postern/postern.yaml", kServeFlags, run_serve},
    {"check", "", 0, 0, "Find every mistake in the configuration and in the feeds on this machine.",
     "postern check -c /etc/postern/postern.yaml", kCheckFlags, run_check},
    {"query", "NAME [TYPE]", 1, 2, "Ask for a name and show the answer, and why it was blocked.",
     "postern query krebsonsecurity.top A --server 127.0.0.1:5300", kQueryFlags, run_query},
    {"explain", "[NAME]", 0, 1,
     "Show step by step what is decided about a name, and by which rule.",
     "postern explain krebsonsecurity.top --client 192.168.1.20", kExplainFlags, run_explain},
    {"log", "", 0, 0, "Search the journal of queries.",
     "postern log --since 1h --disposition blocked --client 192.168.1.0/24", kLogFlags, run_log},
    {"allow", "NAME…", 1, 100,
     "For a while, allow names whatever the lists say; \"*.NAME\" is NAME and all below it, \"*\" "
     "every name.",
     "postern allow '*.supplier.example' --for 1h --client 192.168.1.20 --reason 'order portal'",
     kExceptionFlags, run_allow},
    {"block", "NAME…", 1, 100, "For a while, block names whatever the lists say; as allow.",
     "postern block '*.video.example' --for 8h --group kids --reason exams", kExceptionFlags,
     run_block},
    {"exception list", "", 0, 0,
     "Show the exceptions that hold, the newest first: who made them, for whom and until when.",
     "postern exception list", kPageFlags, run_exception_list},
    {"exception remove", "ID", 1, 1, "End an exception now.", "postern exception remove 17",
     kControlFlags, run_exception_remove},
    {"audit", "", 0, 0, "Show who changed what by hand, the newest first.", "postern audit",
     kPageFlags, run_audit},
    {"feed list", "", 0, 0, "Show every feed, its health and how many rules it gives.",
     "postern feed list", kControlFlags, run_feed_list},
    {"feed update", "[NAME]", 0, 1, "Fetch or read a feed now, or all of them.",
     "postern feed update urlhaus", kUpdateFlags, run_feed_update},
    {"feed preview", "NAME", 1, 1,
     "Show what the held, or last, update of a feed does here: which names in use it blocks, and "
     "why "
     "it is held. With --file or --url: what a list would do, configured or not.",
     "postern feed preview ads --url https://lists.example/ads.txt --format adblock", kPreviewFlags,
     run_feed_preview},
    {"feed diff", "NAME", 1, 1, "Show which rules that update brings and which it takes away.",
     "postern feed diff urlhaus", kControlFlags, run_feed_diff},
    {"feed activate", "NAME", 1, 1, "Put the update in force that the gate holds.",
     "postern feed activate urlhaus", kControlFlags, run_feed_activate},
    {"feed reject", "NAME", 1, 1, "Drop it; the same one stays out, another one is judged.",
     "postern feed reject urlhaus", kControlFlags, run_feed_reject},
    {"feed rollback", "[NAME|GENERATION]", 0, 1,
     "Give a feed the rules back that it had before its last change, or all feeds those of a "
     "generation; without either, show which are kept.",
     "postern feed rollback urlhaus", kControlFlags, run_feed_rollback},
    {"token new", "", 0, 0,
     "Make another token for the console and the API, in place of the one before.",
     "postern token new", kControlFlags, run_token_new},
    {"status", "", 0, 0, "Show where the server answers and what is in force.", "postern status",
     kControlFlags, run_status},
    {"reload", "", 0, 0,
     "Have the server read its configuration again; a mistake changes nothing. Where a feed on "
     "this "
     "machine cannot be read, says so and ends with status 1; the rest is in force.",
     "postern reload", kControlFlags, run_reload},
    {"sweep import", "FILE...", 1, 10'000,
     "Take hashes of Microsoft's files (CSV) and signatures (YARA), to sweep by.",
     "postern sweep import known-good.csv.gz builds.csv rules/", kSweepImportFlags,
     run_sweep_import},
    {"sweep eval", "DIR...", 1, 1'000,
     "Say how much of labelled samples is found, and what is falsely called bad: folders "
     "malicious/ "
     "and benign/, a labels.csv, a collection of web shells, a generated server.",
     "postern sweep eval samples/", kSweepEvalFlags, run_sweep_eval},
    {"sweep", "PATH...", 1, 1'000,
     "Look for traces of a break-in on Exchange servers: mounted disks, copied folders, collected "
     "archives. Reads alone.",
     "postern sweep /mnt/mail1", kSweepFlags, run_sweep},
    {"exposure", "[DOMAIN…]", 0, 10'000,
     "Say of domains who keeps their mail, and whether an Exchange server of theirs is likely to "
     "be "
     "reached from outside: by the DNS alone.",
     "postern exposure --file vendors.csv --csv report.csv", kExposureFlags, run_exposure},
    {"evidence create", "ROOT [PATH…]", 1, 10000,
     "Keep files of a server's disk, with their metadata, in a signed pack that others can check; "
     "of a folder all that is in it.",
     "postern evidence create /mnt/server inetpub/wwwroot/aspnet_client --pack /cases/17/pack "
     "--case 17",
     kCreateFlags, run_evidence_create},
    {"evidence verify", "PACK", 1, 1,
     "Check every file of a pack, its signature and its custody log, and say exactly what is "
     "wrong.",
     "postern evidence verify /cases/17/pack --key key.pem", kVerifyFlags, run_evidence_verify},
    {"evidence restore", "PACK [PATH…]", 1, 10000,
     "Restore files of a pack, byte for byte and with their metadata, into another folder.",
     "postern evidence restore /cases/17/pack --to /cases/17/files", kRestoreFlags,
     run_evidence_restore},
    {"quarantine plan", "FINDINGS", 1, 1,
     "Say which files would be taken out of the tree, why, and what names them.",
     "postern quarantine plan findings.json --out plan.json", kPlanFlags, run_quarantine_plan},
    {"quarantine apply", "PLAN", 1, 1,
     "Take the files of a plan out of the tree, once a verified pack holds each of them; without "
     "--yes, say what would be done.",
     "postern quarantine apply plan.json --pack /cases/17/pack --to /cases/17/quarantine --yes",
     kApplyFlags, run_quarantine_apply},
    {"quarantine rollback", "DIR", 1, 1,
     "Put the files back that a quarantine took, as they were; without --yes, say which.",
     "postern quarantine rollback /cases/17/quarantine --yes", kRollbackFlags,
     run_quarantine_rollback},
    {"completion",
     "bash",
     1,
     1,
     "Print a script that lets the shell complete commands and flags.",
     "eval \"$(postern completion bash)\"",
     {},
     run_completion},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

int run(std::string_view program, std::span<const std::string_view> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    std::fputs(overview_text(commands()).c_str(), words.empty() ? stderr : stdout);
    return words.empty() ? kExitUsage : kExitGood;
  }
  if (words[0] == "--version") {
    fmt::print("postern {}\n", POSTERN_VERSION);
    return kExitGood;
  }
  if (words[0] == kBuildRules) return run_build_rules(words.subspan(1));
  const Command* command = find_command(commands(), words);
  if (command == nullptr) {
    fmt::print(stderr, "postern: {}\n", unknown_command_text(commands(), words));
    return kExitUsage;
  }
  auto arguments = read_arguments(*command, words);
  if (!arguments) {
    fmt::print(stderr, "postern {}: {}\n", command->name, arguments.error().text);
    return kExitUsage;
  }
  if (arguments->wants_help()) {
    std::fputs(help_text(*command).c_str(), stdout);
    return kExitGood;
  }
  arguments->set_program(program);
  return command->run(*arguments);
}

}  // namespace postern::app
