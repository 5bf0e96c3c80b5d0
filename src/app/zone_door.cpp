#include "app/zone_door.h"

#include <utility>

namespace postern::app {

server::ZoneService::Answer ZoneDoor::answer(const server::ZoneQuestion& question,
                                             std::span<std::uint8_t> out) {
  const feeds::ZoneAnswer answer = zones_.answer({.message = question.message,
                                                  .client = question.client,
                                                  .is_udp = question.is_udp,
                                                  .udp_max_octets = question.udp_max_octets,
                                                  .may_take = question.may_take},
                                                 out);
  using enum feeds::ZoneAnswer::Outcome;
  const Outcome outcome = answer.outcome == not_ours   ? Outcome::not_ours
                          : answer.outcome == answered ? Outcome::answered
                                                       : Outcome::take;
  return {outcome, answer.size};
}

void ZoneDoor::take(net::DetachedConnection connection) {
  zones_.take(std::move(connection));
}

}  // namespace postern::app
