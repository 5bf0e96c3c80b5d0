// The readers of the formats; each has a file of its own. What a line means for subdomains and
// what is skipped is in docs/reference/feed-formats.md.
//
// All go over the text once, put what they find into the sink and stop when it says so.
#pragma once

#include <string_view>

#include "intel/feed_sink.h"

namespace postern::intel {

void read_hosts(std::string_view text, FeedSink& sink);
/// Both `Format::domains` and `Format::wildcard`.
void read_domains(std::string_view text, FeedSink& sink);
/// Goes over the text twice where it has a "$badfilter".
void read_adblock(std::string_view text, FeedSink& sink);
void read_dnsmasq(std::string_view text, FeedSink& sink);
/// Goes over the text twice where it has a zone of type "redirect".
void read_unbound(std::string_view text, FeedSink& sink);
void read_rpz(std::string_view text, FeedSink& sink);
void read_csv(std::string_view text, FeedSink& sink);
void read_stix(std::string_view text, FeedSink& sink);
void read_misp(std::string_view text, FeedSink& sink);
void read_maltrail(std::string_view text, FeedSink& sink);
void read_json(std::string_view text, FeedSink& sink);

/// One line of hosts syntax, which adblock lists may hold too.
void read_hosts_line(std::string_view line, FeedSink& sink);
/// The names that every hosts file lists for the machine itself.
bool is_own_host_name(std::string_view text);

}  // namespace postern::intel
