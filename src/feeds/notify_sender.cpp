#include "feeds/notify_sender.h"

#include <algorithm>
#include <array>

#include <sys/random.h>
#include <sys/socket.h>

#include "dns/message.h"
#include "dns/writer.h"
#include "feeds/packed_record.h"
#include "feeds/published_zone.h"
#include "net/socket_address.h"

namespace postern::feeds {
namespace {

constexpr std::uint16_t kNotify = static_cast<std::uint16_t>(dns::Opcode::notify) << 11;

/// With the zone's new SOA (§3.7).
Octets notify_message(const dns::Name& zone, std::uint32_t serial, std::uint16_t id) {
  Octets buffer(2 * dns::Name::kMaxOctets + 512);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(id, kNotify | dns::flag::aa);
  (void)writer.question({zone, dns::RRType::soa, dns::RRClass::in});
  const Octets packed = packed_soa(zone, serial);
  PackedRecords records(packed);
  (void)records.next();
  (void)writer.record(dns::Section::answer,
                      {zone, dns::RRType::soa, dns::RRClass::in, records.ttl(), records.rdata()});
  buffer.resize(writer.size());
  return buffer;
}

}  // namespace

void NotifySender::announce(const Announcement& announcement, MonoTime now) {
  forget(announcement.zone);
  for (const Endpoint& target : announcement.targets) {
    Task& task = tasks_.emplace_back();
    task.zone = announcement.zone;
    task.serial = announcement.serial;
    task.target = target;
    task.key = announcement.key;
    task.due = now;
  }
}

void NotifySender::forget(const dns::Name& zone) {
  tasks_.remove_if([&](const Task& task) { return task.zone == zone; });
}

void NotifySender::work(MonoTime now, std::uint64_t wall_s) {
  if (tasks_.empty()) return;
  if (v4_) receive(v4_.get(), wall_s);
  if (v6_) receive(v6_.get(), wall_s);
  for (auto task = tasks_.begin(); task != tasks_.end();) {
    const auto at = task++;
    if (at->due > now) continue;
    if (at->tries < kTries) {
      send(*at, now, wall_s);
      continue;
    }
    stats_.given_up.add();
    log_.warning("zones", at->target.to_text() + " does not answer our NOTIFY of " +
                              at->zone.to_display() + " serial " + std::to_string(at->serial) +
                              "; it will see the change when it next looks by itself");
    tasks_.erase(at);
  }
}

int NotifySender::socket_for(const IpAddress& address) {
  FileDescriptor& fd = address.is_v4() ? v4_ : v6_;
  if (!fd) {
    fd = FileDescriptor(::socket(address.is_v4() ? AF_INET : AF_INET6,
                                 SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  return fd.get();
}

void NotifySender::send(Task& task, MonoTime now, std::uint64_t wall_s) {
  static_cast<void>(!::getrandom(&task.id, sizeof task.id, 0));
  Octets message = notify_message(task.zone, task.serial, task.id);
  task.tsig.reset();
  if (task.key) {
    task.tsig.emplace(*task.key);
    task.tsig->sign_query(message, wall_s);
  }
  const net::SocketAddress to(task.target);
  // A target that cannot be reached at the moment is one that does not answer.
  static_cast<void>(::sendto(socket_for(task.target.address), message.data(), message.size(),
                             MSG_NOSIGNAL, &to.any, to.size()));
  stats_.sent.add();
  task.due = now + kFirstWait * (1 << task.tries);
  ++task.tries;
}

void NotifySender::receive(int fd, std::uint64_t wall_s) {
  std::array<std::uint8_t, 4096> buffer;
  net::SocketAddress from;
  constexpr int kMost = 64;  // In one go: what comes is anybody's.
  for (int i = 0; i < kMost; ++i) {
    socklen_t size = sizeof from;
    const auto count = ::recvfrom(fd, buffer.data(), buffer.size(), 0, &from.any, &size);
    if (count < 0) return;
    const OctetView message(buffer.data(), static_cast<std::size_t>(count));
    const auto found = std::ranges::find_if(tasks_, [&](Task& task) {
      return task.target == from.endpoint() && is_answer(task, message, wall_s);
    });
    if (found == tasks_.end()) continue;
    stats_.heard.add();
    const auto rcode = dns::Header::read(message)->rcode();
    if (rcode != dns::Rcode::noerror) {
      log_.warning("zones", found->target.to_text() + " answers " + dns::to_string(rcode) +
                                " to our NOTIFY of " + found->zone.to_display() +
                                "; make it a secondary of the zone, with us as its primary");
    }
    tasks_.erase(found);
  }
}

bool NotifySender::is_answer(Task& task, OctetView message, std::uint64_t wall_s) const {
  const auto header = dns::Header::read(message);
  if (!header || task.tries == 0 || header->id != task.id || !header->has(dns::flag::qr) ||
      header->opcode() != dns::Opcode::notify) {
    return false;
  }
  if (!task.tsig) return true;
  if (task.tsig->verify_answer(message, wall_s)) return true;
  // The next try begins anew; who refuses need not sign.
  return header->rcode() != dns::Rcode::noerror;
}

}  // namespace postern::feeds
