#include "server/structured_error.h"

#include <algorithm>

#include "event/json_writer.h"

namespace postern::server {

namespace {

using dns::EdeCode;
using policy::SubError;

/// Operators' policies are sub-errors of Blocked alone; the others of Filtered too.
bool is_said(EdeCode ede, SubError sub_error) {
  const bool is_policy = sub_error == SubError::network_policy || sub_error == SubError::dns_policy;
  return ede == EdeCode::blocked || !is_policy;
}

}  // namespace

StructuredErrorForm::StructuredErrorForm(const StructuredErrorOptions& options)
    : option_code_(options.option_code) {
  if (options.contacts.empty()) return;
  event::JsonWriter contacts;
  contacts.begin_array();
  for (const std::string& contact : options.contacts) contacts.string(contact);
  contacts.end_array();
  head_ = "{\"c\":" + contacts.text() + ",\"j\":\"";
  if (!options.organization.empty()) {
    tail_ = ",\"o\":";
    event::append_json_string(tail_, options.organization);
  }
  tail_ += "}";
}

bool StructuredErrorForm::is_wanted(const dns::Edns& edns) const {
  if (!is_on()) return false;
  if (dns::find_option(edns, dns::EdnsOption::extended_error)) return true;
  return option_code_ != 0 && dns::find_option(edns, dns::EdnsOption{option_code_}).has_value();
}

std::string_view StructuredErrorForm::write(std::span<char> buffer, EdeCode ede, SubError sub_error,
                                            std::string_view text) const {
  if (!is_on() || (ede != EdeCode::blocked && ede != EdeCode::filtered)) return {};
  std::size_t size = 0;
  bool fits = true;
  const auto put = [&](std::string_view part) {
    fits = fits && part.size() <= buffer.size() - size;
    if (!fits) return;
    std::ranges::copy(part, buffer.begin() + static_cast<std::ptrdiff_t>(size));
    size += part.size();
  };
  put(head_);
  put(text);
  put("\"");
  if (is_said(ede, sub_error)) {
    const char digit = static_cast<char>('0' + static_cast<int>(sub_error));
    put(",\"s\":");
    put({&digit, 1});
  }
  put(tail_);
  return fits ? std::string_view(buffer.data(), size) : std::string_view();
}

}  // namespace postern::server
