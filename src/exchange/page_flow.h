// Which names of a page's code hold what a client sent: enough of data flow to tell a shell from
// a page that also reads a request.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postern::exchange {

/// How an argument came about.
enum class Taint {
  literal,  ///< Constants alone.
  unknown,  ///< Something else of the page.
  client,   ///< What a client sent, directly or through variables and parameters.
};

/// Goes over code as `PlainCode::outside` has it. Cost: a few passes over the code; at most
/// kMaxNames names are followed.
class PageFlow {
 public:
  static constexpr std::size_t kMaxNames = 512;

  /// `has_controls`: the page has form controls, whose .Text is what a client sent.
  PageFlow(std::string_view outside, bool has_controls);

  /// True where the code reads anything of a request.
  bool reads_request() const { return reads_request_; }

  /// Of an expression.
  Taint taint_of(std::string_view expression) const;

  /// The worst of the arguments of all calls of `name` (with its bracket: "eval("), which no other
  /// word's end, nor a '.' where `after_dot` is false. Nothing where it is never called.
  struct Calls {
    bool any = false;
    Taint worst = Taint::literal;
  };
  Calls calls_of(std::string_view name, bool after_dot = true) const;
  /// Of what is assigned to a member: ".arguments=".
  Calls assigned_to(std::string_view member) const;

 private:
  void follow_assignments();
  void follow_calls();
  bool is_source(std::string_view expression) const;
  bool add(std::string_view name);
  std::string_view arguments_at(std::size_t open) const;

  std::string_view code_;
  bool has_controls_;
  bool reads_request_ = false;
  std::set<std::string, std::less<>> tainted_;
};

}  // namespace postern::exchange
