// ZoneDoor: what other name servers ask comes in at the server's listeners and is answered by
// feeds; neither knows the other.
#pragma once

#include "feeds/zone_server.h"
#include "server/zone_service.h"

namespace postern::app {

/// Passes on. Called by all workers.
class ZoneDoor final : public server::ZoneService {
 public:
  explicit ZoneDoor(feeds::ZoneServer& zones) : zones_(zones) {}

  Answer answer(const server::ZoneQuestion& question, std::span<std::uint8_t> out) override;
  void take(net::DetachedConnection connection) override;

 private:
  feeds::ZoneServer& zones_;
};

}  // namespace postern::app
