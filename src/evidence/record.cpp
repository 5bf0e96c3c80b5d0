#include "evidence/record.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "evidence/hex.h"
#include "evidence/json.h"
#include "evidence/time_text.h"
#include "files/path.h"

namespace postern::evidence {
namespace {

constexpr std::array kKinds = {files::Kind::regular, files::Kind::folder, files::Kind::link,
                               files::Kind::fifo,    files::Kind::socket, files::Kind::device,
                               files::Kind::unknown};

std::optional<files::Kind> kind_of(std::string_view text) {
  for (const files::Kind kind : kKinds) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

void write_time(JsonObject& out, std::string_view key, const files::Time& time) {
  out.text(key, to_decimal(time));
}

std::string ntfs_json(const files::NtfsFacts& ntfs) {
  JsonObject out;
  out.text("attributes", fmt::format("0x{:08x}", ntfs.attributes));
  if (ntfs.times) {
    write_time(out, "created", ntfs.times->created);
    write_time(out, "modified", ntfs.times->modified);
    write_time(out, "accessed", ntfs.times->accessed);
    write_time(out, "changed", ntfs.times->changed);
  }
  if (ntfs.reparse_tag) out.text("reparse_tag", fmt::format("0x{:08x}", *ntfs.reparse_tag));
  std::vector<std::string> streams;
  for (const std::string& stream : ntfs.streams) {
    streams.push_back(JsonObject().octets("name", stream).done());
  }
  if (!streams.empty()) out.raw("streams", json_list(streams));
  return out.done();
}

/// Reads members one after the other; the first that is missing or wrong makes `ok` false for good.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  bool ok() const { return ok_; }

  template <class Number>
  Number number(std::string_view key) {
    const auto value = json_[key].number();
    if (!value || *value > std::uint64_t{std::numeric_limits<Number>::max()})
      return missing<Number>();
    return static_cast<Number>(*value);
  }
  files::Time time(std::string_view key) {
    const auto value = from_decimal(json_[key].text());
    return value ? *value : missing<files::Time>();
  }
  std::uint32_t based(std::string_view key, std::string_view prefix, int base) {
    const std::string& text = json_[key].text();
    std::uint32_t value = 0;
    if (!text.starts_with(prefix)) return missing<std::uint32_t>();
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + prefix.size(), end, value, base);
    return error == std::errc{} && at == end ? value : missing<std::uint32_t>();
  }
  std::string octets(std::string_view key) {
    auto value = json_.octets(key);
    return value ? *std::move(value) : missing<std::string>();
  }
  Kept kept() {
    Kept kept{json_["sha256"].text(), number<std::uint64_t>("size")};
    if (!is_sha256(kept.sha256)) ok_ = false;
    return kept;
  }

 private:
  template <class Value>
  Value missing() {
    ok_ = false;
    return Value{};
  }

  const Json& json_;
  bool ok_ = true;
};

Result<files::NtfsFacts> ntfs_from(const Json& json) {
  Reader in(json);
  files::NtfsFacts ntfs;
  ntfs.attributes = in.based("attributes", "0x", 16);
  if (json.has("created")) {
    ntfs.times = files::NtfsTimes{in.time("created"), in.time("modified"), in.time("accessed"),
                                  in.time("changed")};
  }
  if (json.has("reparse_tag")) ntfs.reparse_tag = in.based("reparse_tag", "0x", 16);
  for (const Json& stream : json["streams"].items()) {
    ntfs.streams.push_back(stream.octets("name").value_or(""));
  }
  if (!in.ok()) return fail(Errc::corrupt, "the facts of NTFS are not whole");
  return ntfs;
}

Result<files::Metadata> metadata_from(const Json& json) {
  Reader in(json);
  files::Metadata metadata;
  const auto kind = kind_of(json["kind"].text());
  metadata.kind = kind.value_or(files::Kind::unknown);
  metadata.size = in.number<std::uint64_t>("size");
  metadata.device = in.number<std::uint64_t>("device");
  metadata.inode = in.number<std::uint64_t>("inode");
  metadata.links = in.number<std::uint32_t>("links");
  metadata.mode = in.based("mode", "0", 8);
  metadata.uid = in.number<std::uint32_t>("uid");
  metadata.gid = in.number<std::uint32_t>("gid");
  metadata.modified = in.time("modified");
  metadata.changed = in.time("changed");
  metadata.accessed = in.time("accessed");
  if (json.has("born")) metadata.born = in.time("born");
  if (!in.ok() || !kind || metadata.mode > 07777U) {
    return fail(Errc::corrupt, "the metadata are not whole");
  }
  return metadata;
}

void write_metadata(JsonObject& out, const files::Metadata& metadata) {
  out.text("kind", to_string(metadata.kind));
  out.number("size", metadata.size);
  out.number("device", metadata.device).number("inode", metadata.inode);
  out.number("links", metadata.links).text("mode", fmt::format("0{:03o}", metadata.mode));
  out.number("uid", metadata.uid).number("gid", metadata.gid);
  write_time(out, "modified", metadata.modified);
  write_time(out, "changed", metadata.changed);
  write_time(out, "accessed", metadata.accessed);
  if (metadata.born) write_time(out, "born", *metadata.born);
}

}  // namespace

std::string to_json(const Record& record) {
  JsonObject out;
  out.octets("path", record.path);
  if (!record.not_kept.empty()) out.text("not_kept", record.not_kept);
  write_metadata(out, record.metadata);
  if (record.content) out.text("sha256", record.content->sha256);
  if (record.content) out.number("content_size", record.content->octets);
  if (record.changed_while_read) out.boolean("changed_while_read", true);
  if (record.target) out.octets("target", *record.target);
  if (record.ntfs) out.raw("ntfs", ntfs_json(*record.ntfs));
  std::vector<std::string> attributes;
  for (const KeptAttribute& attribute : record.attributes) {
    attributes.push_back(JsonObject()
                             .octets("name", attribute.name)
                             .number("size", attribute.value.octets)
                             .text("sha256", attribute.value.sha256)
                             .done());
  }
  if (!attributes.empty()) out.raw("attributes", json_list(attributes));
  if (!record.attributes_not_kept.empty()) {
    out.raw("attributes_not_kept", json_texts(record.attributes_not_kept));
  }
  return out.done();
}

Result<Record> record_from_json(std::string_view line) {
  const Json json = POSTERN_TRY(Json::parse(line, Record::kMaxLineOctets));
  Reader in(json);
  Record record;
  record.path = in.octets("path");
  POSTERN_CHECK(files::check_path(record.path));
  record.not_kept = json["not_kept"].text();
  record.metadata = POSTERN_TRY(metadata_from(json));
  if (json.has("sha256")) {
    record.content = Kept{json["sha256"].text(), in.number<std::uint64_t>("content_size")};
    if (!is_sha256(record.content->sha256)) return fail(Errc::corrupt, "no SHA-256");
  }
  record.changed_while_read = json["changed_while_read"].is_true();
  if (json.has("target")) record.target = in.octets("target");
  if (json.has("ntfs")) record.ntfs = POSTERN_TRY(ntfs_from(json["ntfs"]));
  for (const Json& item : json["attributes"].items()) {
    Reader member(item);
    record.attributes.push_back({member.octets("name"), member.kept()});
    if (!member.ok()) return fail(Errc::corrupt, "an attribute is not whole");
  }
  for (const Json& item : json["attributes_not_kept"].items()) {
    record.attributes_not_kept.push_back(item.text());
  }
  if (!in.ok()) return fail(Errc::corrupt, "a member is missing or wrong");
  return record;
}

}  // namespace postern::evidence
