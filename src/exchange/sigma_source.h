// Which rows a Sigma rule's logsource means, and which of their fields its names mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/rule.h"
#include "exchange/sigma.h"
#include "exchange/yaml_tree.h"

namespace postern::exchange {

/// The rows that a rule is about.
struct SigmaSource {
  SourceSet sources = 0;
  Condition when;            ///< Of events: the channel, the provider, the event's number.
  bool is_web = false;       ///< Names of fields are those of a web server or a proxy.
  bool is_defender = false;  ///< They are those of an antivirus.
};

/// An error says which logsource it is that is not read.
Result<SigmaSource> sigma_source(const YamlNode& logsource, Fields& fields);

/// The field that a rule means by `name`; of a test for null (`is_null`) the column itself.
/// nullopt: too many fields.
std::optional<FieldIndex> sigma_field(std::string_view name, bool is_null,
                                      const SigmaSource& source, const SigmaOptions& options,
                                      Fields& fields);

/// What a value is called in a row where rules say it otherwise: of Level "Error" is "2".
std::string_view sigma_value_in_rows(std::string_view field, std::string_view value);

}  // namespace postern::exchange
