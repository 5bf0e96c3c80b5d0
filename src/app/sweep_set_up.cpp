#include "app/sweep_set_up.h"

#include <optional>
#include <utility>

#include "app/places.h"
#include "config/config.h"
#include "exchange/rule_pack.h"
#include "exchange/sigma.h"

namespace postern::app {

std::string sweep_data_folder(const Arguments& arguments) {
  if (const auto folder = arguments.value("data")) return *folder;
  const std::string standard = config::parse("").config->state_dir;
  return choose_state_dir(std::nullopt, standard, look_around(standard)) + "/sweep";
}

Result<SweepRules> sweep_rules(const host::SweepData& data) {
  exchange::RuleBook book;
  const auto own = exchange::read_rule_pack(exchange::built_in_rule_pack(), "built-in", book);
  if (!own) return Unexpected<Error>(own.error());
  std::vector<std::string> not_supported;
  for (const host::SigmaFile& file : data.sigma) {
    const auto read = exchange::read_sigma(file.text, file.name, {}, book);
    if (!read) not_supported.push_back(read.error().text);
  }
  return SweepRules{POSTERN_TRY(exchange::RuleSet::compile(std::move(book))),
                    std::move(not_supported)};
}

}  // namespace postern::app
