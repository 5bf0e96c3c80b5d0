// Text that is compared without regard to case, or to what logs make of blanks.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace postern::exchange {

/// How octets are made equal before they are compared.
enum class Fold : unsigned char {
  none,   ///< As they are.
  ascii,  ///< ASCII letters without case.
  web,    ///< And '+' is a blank: IIS writes a blank so.
  agent,  ///< And ',' too: HttpProxy writes a blank for it.
};
inline constexpr std::size_t kFoldCount = 4;

/// What each octet becomes.
const std::array<char, 256>& fold_table(Fold fold);

inline char folded(char c, Fold fold) {
  return fold_table(fold)[static_cast<unsigned char>(c)];
}
std::string folded(std::string_view text, Fold fold);

/// Equal but for the case of ASCII letters.
bool same_letters(std::string_view a, std::string_view b);

/// `text` is not folded, `needle` is (with the same fold).
bool equals_folded(std::string_view text, std::string_view needle, Fold fold);
bool starts_folded(std::string_view text, std::string_view needle, Fold fold);
bool ends_folded(std::string_view text, std::string_view needle, Fold fold);
/// Linear in the text for needles without long repetitions, at worst text times needle.
bool contains_folded(std::string_view text, std::string_view needle, Fold fold);

}  // namespace postern::exchange
