#include "windows/evtx_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "windows/binxml_runner.h"
#include "windows/event_builder.h"
#include "windows/event_xml.h"
#include "windows/evtx_chunk.h"
#include "windows/filetime.h"
#include "windows/little_endian.h"

namespace postern::windows {

std::string_view to_string(EvtxProblem problem) {
  switch (problem) {
    case EvtxProblem::no_file_header:
      return "the file does not begin as an event log does";
    case EvtxProblem::file_header_checksum:
      return "the file's header has a wrong checksum";
    case EvtxProblem::dirty:
      return "the log was not closed";
    case EvtxProblem::zeroed_chunk:
      return "a chunk of records is zeros";
    case EvtxProblem::no_chunk_header:
      return "a chunk has no header";
    case EvtxProblem::misplaced_chunk:
      return "a chunk is not where one should be";
    case EvtxProblem::chunk_header_checksum:
      return "a chunk's header has a wrong checksum";
    case EvtxProblem::chunk_records_checksum:
      return "a chunk's records have a wrong checksum";
    case EvtxProblem::cut_chunk:
      return "the file ends within a chunk";
    case EvtxProblem::bad_record:
      return "a record is damaged";
    case EvtxProblem::hidden_record:
      return "a record is hidden within another";
    case EvtxProblem::bad_xml:
      return "a record could be read in part only";
    case EvtxProblem::too_much_work:
      return "a record grows past a bound and was cut";
    case EvtxProblem::read_failed:
      return "the file could not be read to its end";
  }
  return "";
}

/// The file's octets go through one window: the 64 KiB where a chunk should be.
class EvtxReader::Work {
 public:
  explicit Work(Source source) : source_(std::move(source)), window_(kEvtxChunk) {}

  const Event* next() {
    has_record_ = false;
    while (true) {
      if (const auto range = finder_.next()) {
        if (range->damage) note(EvtxProblem::bad_record, *range->damage);
        if (range->end > range->begin) return &read_record(*range);
        continue;
      }
      if (!next_window()) return nullptr;
    }
  }

  std::string_view xml() {
    xml_.begin();
    if (!has_record_) return {};
    WorkBudget budget;
    runner_.run(xml_begin_, xml_end_, xml_, budget, trust_definitions_);
    return xml_.text();
  }

  const EvtxSummary& summary() const { return summary_; }
  const std::optional<Error>& read_error() const { return read_error_; }

 private:
  void note(EvtxProblem problem, std::size_t at_in_window) {
    note_at(problem, window_offset_ + at_in_window);
  }
  void note_at(EvtxProblem problem, std::uint64_t offset) {
    ++summary_.problem_counts[static_cast<std::size_t>(problem)];
    if (summary_.problems.size() < EvtxSummary::kMaxKept) {
      summary_.problems.push_back({problem, offset});
    }
  }

  OctetView window() const { return {window_.data(), size_}; }
  void fill();
  bool next_window();
  void first_window();
  void read_window();
  void read_chunk(EvtxChunkHeader header);
  void read_without_header();
  void begin_chunk(OctetView chunk, const std::optional<EvtxChunkHeader>& header);
  void note_zeros(bool is_end);
  void end_of_file();
  const Event& read_record(const RecordRange& range);
  void count_record(const Event& event, const RecordRange& range);

  Source source_;
  std::optional<Error> read_error_;
  bool at_end_ = false;   // Of the source.
  bool is_done_ = false;  // All was said that is to say.

  Octets window_;
  std::size_t size_ = 0;             // Of what is in it,
  std::size_t consumed_ = 0;         // and how much of that was dealt with.
  std::uint64_t window_offset_ = 0;  // In the file.
  bool is_first_ = true;
  std::optional<EvtxFileHeader> file_header_;
  std::uint64_t chunk_index_ = 0;  // Of the window, among all that could be chunks.
  std::uint64_t zeros_ = 0;        // Windows of zeros since the last chunk, the first
  std::uint64_t zeros_at_ = 0;     // of them here.

  RecordFinder finder_;
  BinXmlRunner runner_;
  WorkBudget budget_;
  EventBuilder builder_;
  EventXml xml_;
  bool has_record_ = false;
  bool chunk_counted_ = false;
  bool trust_definitions_ = true;
  std::size_t xml_begin_ = 0, xml_end_ = 0;  // Of the last record, in the chunk.

  RecordIds ids_;
  EvtxSummary summary_;
};

/// Drops what was dealt with and reads on, up to a whole window.
void EvtxReader::Work::fill() {
  std::memmove(window_.data(), window_.data() + consumed_, size_ - consumed_);
  size_ -= consumed_;
  window_offset_ += consumed_;
  consumed_ = 0;
  while (!at_end_ && size_ < window_.size()) {
    const auto count = source_(std::span{window_}.subspan(size_));
    if (!count) {
      read_error_ = count.error();
      note(EvtxProblem::read_failed, size_);
    }
    if (!count || *count == 0) {
      at_end_ = true;
    } else {
      size_ += std::min(*count, window_.size() - size_);
    }
  }
  summary_.octets = window_offset_ + size_;
}

bool EvtxReader::Work::next_window() {
  fill();
  if (is_first_) first_window();
  if (size_ == 0) {
    if (!is_done_) end_of_file();
    is_done_ = true;
    return false;
  }
  read_window();
  return true;
}

void EvtxReader::Work::first_window() {
  is_first_ = false;
  file_header_ = read_file_header(window());
  if (!file_header_) {
    note(EvtxProblem::no_file_header, 0);
    // Where only the header is lost, the chunks are where they were.
    const bool only_header = find_chunk(window(), 0) == kEvtxFileHeaderBlock;
    if (!only_header) return;
    consumed_ = kEvtxFileHeaderBlock;
  } else {
    if (!file_header_->checksum_right) note(EvtxProblem::file_header_checksum, 0);
    if (file_header_->is_dirty) note(EvtxProblem::dirty, 0);
    consumed_ = std::min(file_header_->block, size_);
  }
  fill();
}

void EvtxReader::Work::read_window() {
  consumed_ = size_;
  const std::uint64_t index = chunk_index_++;
  if (is_all_zero(window())) {
    if (zeros_++ == 0) zeros_at_ = window_offset_;
    return;
  }
  note_zeros(false);
  if (const auto header = read_chunk_header(window())) {
    read_chunk(*header);
  } else if (index > 0 || file_header_ || find_chunk(window(), 0) || size_ >= kEvtxChunkHeader) {
    read_without_header();
  }
}

/// Zeros are chunks that were lost where the file's header counts them, or chunks are behind them.
void EvtxReader::Work::note_zeros(bool is_end) {
  const std::uint64_t first = chunk_index_ - 1 - zeros_ + (is_end ? 1 : 0);
  const std::uint64_t counted = file_header_ ? file_header_->chunks : 0;
  for (std::uint64_t i = 0; i < zeros_; ++i) {
    if (is_end && first + i >= counted) break;
    note_at(EvtxProblem::zeroed_chunk, zeros_at_ + i * kEvtxChunk);
  }
  zeros_ = 0;
}

void EvtxReader::Work::read_chunk(EvtxChunkHeader header) {
  OctetView chunk = window();
  if (!header.checksum_right) note(EvtxProblem::chunk_header_checksum, 0);
  if (size_ < kEvtxChunk) note(EvtxProblem::cut_chunk, size_);
  if (!records_checksum_right(chunk, header)) {
    if (size_ == kEvtxChunk) note(EvtxProblem::chunk_records_checksum, 0);
    // Octets may be missing in it, so that the next chunk begins early.
    const auto inner = find_chunk(chunk, kEvtxChunkHeader);
    if (inner) {
      note(EvtxProblem::misplaced_chunk, *inner);
      chunk = chunk.first(*inner);
      consumed_ = *inner;
    }
  }
  begin_chunk(chunk, header.checksum_right ? std::optional{header} : std::nullopt);
}

void EvtxReader::Work::read_without_header() {
  OctetView part = window();
  const auto chunk = find_chunk(part, 1);
  if (chunk) {
    note(EvtxProblem::misplaced_chunk, *chunk);
    part = part.first(*chunk);
    consumed_ = *chunk;
  } else {
    note(EvtxProblem::no_chunk_header, 0);
  }
  begin_chunk(part, std::nullopt);
}

void EvtxReader::Work::begin_chunk(OctetView chunk, const std::optional<EvtxChunkHeader>& header) {
  finder_ = RecordFinder(chunk, header);
  runner_.begin_chunk(chunk);
  budget_.chunk_left = WorkBudget::kPerChunk;
  chunk_counted_ = false;
}

void EvtxReader::Work::end_of_file() {
  note_zeros(true);
  finder_ = {};
  const std::vector<RecordGap> gaps = ids_.gaps();
  summary_.gaps_known = ids_.is_complete();
  summary_.gap_count = gaps.size();
  for (const RecordGap& gap : gaps) {
    const std::uint64_t left = std::numeric_limits<std::uint64_t>::max() - summary_.missing_records;
    summary_.missing_records += std::min(gap.missing(), left);
  }
  summary_.gaps.assign(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                        gaps.size(), EvtxSummary::kMaxKept)));
}

const Event& EvtxReader::Work::read_record(const RecordRange& range) {
  budget_.record_left = WorkBudget::kPerRecord;
  trust_definitions_ = !range.is_slack;
  xml_begin_ = range.begin + kEvtxRecordHeader;
  xml_end_ = range.end - (range.is_whole ? 4 : 0);
  builder_.begin(budget_);
  const auto outcome = runner_.run(xml_begin_, xml_end_, builder_, budget_, trust_definitions_);
  has_record_ = true;
  if (budget_.is_spent()) {
    note(EvtxProblem::too_much_work, range.begin);
  } else if (!outcome.whole && range.is_whole) {
    note(EvtxProblem::bad_xml, range.begin);
  }
  if (outcome.whole && range.is_whole && !range.is_slack &&
      finder_.look_within(outcome.end, range.end)) {
    note(EvtxProblem::hidden_record, range.begin);
  }
  const std::uint8_t* head = window_.data() + range.begin;
  Event& event = builder_.finish();
  event.record_id = little_u64(head + 8);
  event.written = wall_time_of_filetime(little_u64(head + 16));
  event.offset = window_offset_ + range.begin;
  event.origin = range.origin;
  event.incomplete = !outcome.whole || !range.is_whole;
  count_record(event, range);
  return event;
}

void EvtxReader::Work::count_record(const Event& event, const RecordRange& range) {
  ++summary_.records;
  if (!chunk_counted_) ++summary_.chunks;
  chunk_counted_ = true;
  if (range.origin == EventOrigin::carved) ++summary_.carved;
  if (range.is_slack) return;
  ids_.add(event.record_id, event.written);
  if (event.event_record_id != 0 && event.event_record_id != event.record_id) {
    summary_.exported = true;
  }
  if (!range.is_whole) return;
  const WallTime written = event.written;
  summary_.first_written = std::min(summary_.first_written.value_or(written), written);
  summary_.last_written = std::max(summary_.last_written.value_or(written), written);
}

EvtxReader::EvtxReader(Source source) : work_(std::make_unique<Work>(std::move(source))) {}
EvtxReader::EvtxReader(EvtxReader&&) noexcept = default;
EvtxReader& EvtxReader::operator=(EvtxReader&&) noexcept = default;
EvtxReader::~EvtxReader() = default;

const Event* EvtxReader::next() {
  return work_->next();
}
std::string_view EvtxReader::xml() {
  return work_->xml();
}
const EvtxSummary& EvtxReader::summary() const {
  return work_->summary();
}
const std::optional<Error>& EvtxReader::read_error() const {
  return work_->read_error();
}

EvtxReader::Source EvtxReader::source_of(OctetView octets) {
  return [octets](std::span<std::uint8_t> into) mutable -> Result<std::size_t> {
    const std::size_t count = std::min(into.size(), octets.size());
    std::copy_n(octets.begin(), count, into.begin());
    octets = octets.subspan(count);
    return count;
  };
}

bool looks_like_evtx(OctetView head) {
  const std::string_view text = text_of(head);
  using std::string_view_literals::operator""sv;
  return text.starts_with("ElfFile\0"sv) || text.starts_with("ElfChnk\0"sv);
}

}  // namespace postern::windows
