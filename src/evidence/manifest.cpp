#include "evidence/manifest.h"

#include <algorithm>

#include "evidence/durable.h"
#include "evidence/json.h"

namespace postern::evidence {
namespace {

constexpr std::size_t kMaxHeaderOctets = 1U << 20;

}  // namespace

const Record* Manifest::find(std::string_view path) const {
  const auto at = std::ranges::lower_bound(
      records, path, {}, [](const Record& record) { return std::string_view(record.path); });
  return at != records.end() && at->path == path ? &*at : nullptr;
}

std::set<std::string> objects_of(const Manifest& manifest) {
  std::set<std::string> objects;
  for (const Record& record : manifest.records) {
    if (record.content) objects.insert(record.content->sha256);
    for (const KeptAttribute& attribute : record.attributes) {
      objects.insert(attribute.value.sha256);
    }
  }
  return objects;
}

bool is_incomplete(const Record& record) {
  return !record.not_kept.empty() || !record.attributes_not_kept.empty() ||
         record.changed_while_read;
}

std::string to_json(const ManifestHeader& header) {
  JsonObject out;
  out.text("format", ManifestHeader::kFormat).text("case", header.case_name);
  out.octets("root", header.root);
  out.number("root_device", header.root_device).number("root_inode", header.root_inode);
  out.text("begun_at", header.begun_at).text("who", header.who).text("host", header.host);
  out.text("program", header.program);
  out.number("records", header.records).number("not_kept", header.not_kept);
  return out.done();
}

Result<ManifestHeader> header_from_json(std::string_view line) {
  const Json json = POSTERN_TRY(Json::parse(line, kMaxHeaderOctets));
  if (json["format"].text() != ManifestHeader::kFormat) {
    return fail(Errc::corrupt, "not the manifest of a pack of this format");
  }
  ManifestHeader header;
  header.case_name = json["case"].text();
  header.root = json.octets("root").value_or("");
  header.root_device = json["root_device"].number().value_or(0);
  header.root_inode = json["root_inode"].number().value_or(0);
  header.begun_at = json["begun_at"].text();
  header.who = json["who"].text();
  header.host = json["host"].text();
  header.program = json["program"].text();
  header.records = json["records"].number().value_or(0);
  header.not_kept = json["not_kept"].number().value_or(0);
  return header;
}

std::string to_text(const Manifest& manifest) {
  std::string text = to_json(manifest.header) + "\n";
  for (const Record& record : manifest.records) text += to_json(record) + "\n";
  return text;
}

Result<Manifest> manifest_from_text(std::string_view text) {
  const std::vector<std::string> lines = whole_lines(text);
  if (lines.empty() || text.back() != '\n') return fail(Errc::corrupt, "it is cut off");
  Manifest manifest;
  manifest.header = POSTERN_TRY(header_from_json(lines.front()));
  for (std::size_t at = 1; at < lines.size(); ++at) {
    auto record = record_from_json(lines[at]);
    const std::string place = "line " + std::to_string(at + 1);
    if (!record) return Unexpected<Error>(std::move(record).error().context(place));
    if (!manifest.records.empty() && record->path <= manifest.records.back().path) {
      return fail(Errc::corrupt, place + ": its path does not come after the one before");
    }
    manifest.records.push_back(*std::move(record));
  }
  if (manifest.header.records != manifest.records.size()) {
    return fail(Errc::corrupt, "it has " + std::to_string(manifest.records.size()) +
                                   " records and says " + std::to_string(manifest.header.records));
  }
  return manifest;
}

}  // namespace postern::evidence
