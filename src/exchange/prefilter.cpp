#include "exchange/prefilter.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <hs/hs.h>

#include "base/assert.h"

namespace postern::exchange {
namespace {

int note_hit(unsigned id, unsigned long long, unsigned long long end, unsigned, void* context) {
  static_cast<std::vector<Prefilter::Hit>*>(context)->push_back(
      {static_cast<std::size_t>(end), id});
  return 0;
}

}  // namespace

void Prefilter::Eye::Free::operator()(hs_scratch* scratch) const {
  hs_free_scratch(scratch);
}

Result<Prefilter> Prefilter::compile(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return Prefilter(nullptr);
  std::vector<const char*> texts;
  std::vector<unsigned> flags(patterns.size(), HS_FLAG_CASELESS);
  std::vector<unsigned> ids;
  for (const std::string& pattern : patterns) {
    ids.push_back(static_cast<unsigned>(texts.size()));
    texts.push_back(pattern.c_str());
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t code =
      hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                       HS_MODE_BLOCK, nullptr, &database, &error);
  if (code != HS_SUCCESS) {
    std::string text = fmt::format("Hyperscan: {}", error == nullptr ? "?" : error->message);
    if (error != nullptr && error->expression >= 0) {
      text += fmt::format(" in {}", patterns[static_cast<std::size_t>(error->expression)]);
    }
    hs_free_compile_error(error);
    return fail(Errc::invalid_input, std::move(text));
  }
  return Prefilter(std::shared_ptr<const hs_database>(
      database, [](const hs_database* d) { hs_free_database(const_cast<hs_database*>(d)); }));
}

Result<Prefilter::Eye> Prefilter::eye() const {
  if (database_ == nullptr) return Eye(nullptr, nullptr);
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database_.get(), &scratch) != HS_SUCCESS) {
    return fail(Errc::unavailable, "Hyperscan: no memory to look with");
  }
  return Eye(database_, std::unique_ptr<hs_scratch, Eye::Free>(scratch));
}

void Prefilter::Eye::look(std::string_view text, std::vector<Hit>& hits) {
  hits.clear();
  if (database_ == nullptr || text.empty()) return;
  POSTERN_ASSERT(text.size() <= std::numeric_limits<unsigned>::max());
  const hs_error_t code = hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()),
                                  0, scratch_.get(), note_hit, &hits);
  POSTERN_ASSERT(code == HS_SUCCESS);
  if (!std::ranges::is_sorted(hits, {}, &Hit::end)) std::ranges::sort(hits, {}, &Hit::end);
}

}  // namespace postern::exchange
