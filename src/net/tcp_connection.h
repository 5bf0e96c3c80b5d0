// TcpConnection: messages with a two-octet length before each, over one stream (RFC 7766 §8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"
#include "base/time.h"
#include "net/event_loop.h"
#include "net/stats.h"

namespace postern::net {

/// Named bounds of one connection.
struct TcpLimits {
  /// A longer frame closes the connection: no query that we can answer needs it.
  std::size_t max_frame_octets = 4096;
  /// Messages taken and not answered yet; at the bound nothing more is read (back pressure).
  std::size_t max_unanswered = 100;
  /// Unsent octets at which nothing more is read.
  std::size_t max_unsent_octets = std::size_t{64} * 1024;
  /// Unsent octets at which the peer is taken for one that does not read: closed. Room for the
  /// largest message beyond the bound before.
  std::size_t max_buffer_octets = std::size_t{192} * 1024;
};

/// A connection that was given away, and what came over it that was not taken: whole messages and
/// perhaps part of one, each behind its length.
struct DetachedConnection {
  FileDescriptor fd;  ///< Non-blocking.
  Endpoint peer;
  Octets received;
};

/// One accepted connection: cuts the stream into messages, writes answers in whatever order they
/// come. Lives in a TcpPool. One thread.
class TcpConnection final : public EventLoop::Handler {
 public:
  class Owner {
   public:
    /// One whole message, valid during the call. It counts as unanswered until `send` or
    /// `forget`. May call any member of the connection but its destructor.
    virtual void on_message(TcpConnection& connection, OctetView message) = 0;
    /// Something was received or sent: the peer is alive.
    virtual void on_progress(TcpConnection& connection) = 0;
    /// The connection is over, and its descriptor closed. It must not be destroyed inside the call.
    virtual void on_closed(TcpConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  /// `tag` is the owner's own. All references must outlive the connection.
  struct Setup {
    EventLoop& loop;
    const TcpLimits& limits;
    TcpStats& stats;
    Owner& owner;
    std::uint32_t tag = 0;
  };
  TcpConnection(FileDescriptor fd, const Endpoint& peer, const Setup& setup);
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  /// Begins to read.
  Result<void> start();

  const Endpoint& peer() const { return peer_; }
  std::uint32_t tag() const { return tag_; }
  std::size_t unanswered() const { return unanswered_; }
  bool is_open() const { return static_cast<bool>(fd_); }
  /// Nothing to answer and nothing to send.
  bool is_idle() const { return unanswered_ == 0 && unsent() == 0; }

  /// Answers one message, of at most 65535 octets. Written at once, or with the others at the
  /// end of the round if called from `on_message`.
  void send(OctetView message);
  /// One message will have no answer.
  void forget();
  /// Reads no more; closes once all that was taken is answered and sent.
  void finish();
  /// Whether `detach` would give the connection away now.
  bool may_detach() const { return taking_ && unanswered_ == 1 && unsent() == 0; }
  /// Only inside `Owner::on_message`: gives the connection away with the message at hand and what
  /// came behind it. To this object it is then closed; `on_closed` is called. Nothing where
  /// `may_detach` is false: earlier messages wait for their answers here.
  std::optional<DetachedConnection> detach();
  /// Closes now. `on_closed` is called; harmless on a closed one.
  void close();

  void on_ready(std::uint32_t events) override;

 private:
  std::size_t unsent() const { return output_.size() - output_begin_; }
  bool may_read() const;
  void read_some();
  /// Takes whole messages from the front of `octets`; returns how many octets it used.
  std::size_t take_messages(OctetView octets);
  void resume();
  void write_some();
  void settle();
  void leave_loop();

  FileDescriptor fd_;
  const Endpoint peer_;
  EventLoop& loop_;
  const TcpLimits& limits_;
  TcpStats& stats_;
  Owner& owner_;
  const std::uint32_t tag_;

  Octets input_;  ///< Received and not yet taken: part of a message, or what must wait.
  Octets output_;
  std::size_t output_begin_ = 0;
  std::size_t unanswered_ = 0;
  OctetView untaken_;  ///< Inside `on_message`: from the message at hand on, with its length.
  std::uint32_t wanted_ = 0;  ///< The events asked for.
  bool watched_ = false;
  bool taking_ = false;     ///< Inside take_messages: answers are gathered.
  bool finishing_ = false;  ///< Reads no more.
};

}  // namespace postern::net
