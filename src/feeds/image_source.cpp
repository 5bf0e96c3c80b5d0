#include "feeds/image_source.h"

#include <charconv>
#include <vector>

#include "feeds/digest.h"
#include "feeds/obtain.h"

namespace postern::feeds {
namespace {

constexpr std::string_view kFirstLine = "postern-feed 1";
constexpr std::size_t kLines = 7;

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string stamp_text(const FileStamp& stamp) {
  return std::to_string(stamp.device) + " " + std::to_string(stamp.inode) + " " +
         std::to_string(stamp.octets) + " " + std::to_string(stamp.modified_ns) + " " +
         std::to_string(stamp.changed_ns);
}

std::optional<FileStamp> stamp_from(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ' ');
  if (parts.size() != 5) return std::nullopt;
  const auto device = number_in(parts[0]);
  const auto inode = number_in(parts[1]);
  const auto octets = number_in(parts[2]);
  const auto modified = number_in(parts[3]);
  const auto changed = number_in(parts[4]);
  if (!device || !inode || !octets || !modified || !changed) return std::nullopt;
  return FileStamp{*device, *inode, *octets, static_cast<std::int64_t>(*modified),
                   static_cast<std::int64_t>(*changed)};
}

std::string votes_text(const policy::Votes& votes) {
  std::string text = "votes";
  for (const std::uint16_t zone : votes.zones) text += " " + std::to_string(zone);
  text += " need " + std::to_string(votes.need) + " doubts";
  for (const std::uint16_t zone : votes.doubts) text += " " + std::to_string(zone);
  return text + " need " + std::to_string(votes.doubt_need) +
         (votes.by_confidence ? " by confidence " : " ") + std::to_string(votes.half_life_s);
}

}  // namespace

std::string to_text(const ImageSource& source) {
  std::string first = source.first_skipped;
  for (char& c : first) c = c == '\n' ? ' ' : c;
  return std::string(kFirstLine) + "\n" + source.reading + "\n" + source.sha256 + "\n" +
         source.program + "\n" + std::to_string(source.lines_skipped) + "\n" +
         (source.stamp ? stamp_text(*source.stamp) : "") + "\n" + first;
}

std::optional<ImageSource> image_source_from(std::string_view text) {
  const std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() != kLines || lines[0] != kFirstLine) return std::nullopt;
  const auto skipped = number_in(lines[4]);
  if (!skipped) return std::nullopt;
  return ImageSource{std::string(lines[1]), std::string(lines[2]), std::string(lines[3]), *skipped,
                     stamp_from(lines[5]),  std::string(lines[6])};
}

std::string reading_digest(const Source& source) {
  const intel::FeedOptions& format = source.format;
  std::string all = "reading " + source_digest(source);
  const auto add = [&all](std::string_view text) {
    all += "\n";
    all += text;
  };
  add(intel::to_string(format.format));
  add(format.scope ? std::to_string(static_cast<int>(*format.scope)) : "");
  add(format.allow ? "allow" : "block");
  add(format.origin ? format.origin->to_text() : "");
  add(format.csv.column);
  add(std::string_view(&format.csv.separator, 1));
  add(format.csv.has_header ? "header" : "");
  add(format.json.field);
  add(format.json.removed);
  add(format.url_hosts ? "hosts" : "");
  add(std::to_string(format.min_confidence));
  add(std::to_string(format.max_rules));
  add(format.lint.skips_shared ? "skips what is everybody's" : "");
  for (const dns::Name& name : format.lint.own_domains) add("own " + name.to_text());
  for (const dns::Name& name : format.lint.forced) add("forced " + name.to_text());
  if (source.zone.votes) add(votes_text(*source.zone.votes));
  return sha256_hex(all);
}

}  // namespace postern::feeds
