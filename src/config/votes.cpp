// Mistakes in `votes`.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/groups.h"
#include "config/suggest.h"

namespace postern::config {
namespace {

void check_feeds_of(const Draft& draft, std::size_t index, std::string_view key,
                    const std::vector<std::string>& feeds, Problems& problems) {
  std::vector<std::string_view> known;
  for (const Feed& feed : draft.config.feeds) known.push_back(feed.name);
  for (const std::string& name : feeds) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, known);
    problems.add(place_of(*draft.vote_nodes[index], key), item_path("votes", index, key),
                 fmt::format("no feed is called \"{}\"", name),
                 near ? fmt::format("did you mean {}?", *near) : "add it under feeds");
  }
}

bool is_taken(const Draft& draft, std::size_t index) {
  const std::string& name = draft.config.votes[index].name;
  const auto& votes = draft.config.votes;
  return name == kExceptionsList ||
         std::ranges::find(kBuiltInLists, name) != std::end(kBuiltInLists) ||
         std::ranges::find(draft.config.feeds, name, &Feed::name) != draft.config.feeds.end() ||
         std::ranges::find(votes, name, &Vote::name) !=
             votes.begin() + static_cast<std::ptrdiff_t>(index);
}

}  // namespace

void check_votes(const Draft& draft, Problems& problems) {
  for (std::size_t i = 0; i < draft.config.votes.size(); ++i) {
    const Vote& vote = draft.config.votes[i];
    const Node& node = *draft.vote_nodes[i];
    const auto complain = [&](std::string_view key, std::string text, std::string advice) {
      problems.add(place_of(node, key), item_path("votes", i, key), std::move(text),
                   std::move(advice));
    };
    if (!vote.name.empty() && is_taken(draft, i)) {
      complain("name", fmt::format("another list is called \"{}\" too", vote.name),
               "give each a name of its own");
    }
    check_feeds_of(draft, i, "feeds", vote.feeds, problems);
    check_feeds_of(draft, i, "doubt.feeds", vote.doubt_feeds, problems);
    if (vote.need > vote.feeds.size()) {
      complain("need", fmt::format("{} votes are needed of {} feeds", vote.need, vote.feeds.size()),
               "nothing would ever be blocked: name more feeds, or make it smaller");
    }
    if (vote.doubt_need != 0 && vote.doubt_need <= vote.need) {
      complain("doubt.need", "names in doubt need no more votes than others",
               "make it larger than need, or 0 to never block them");
    }
  }
}

}  // namespace postern::config
