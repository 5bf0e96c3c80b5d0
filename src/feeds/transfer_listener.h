// TransferListener: where secondaries open connections over TLS to have published zones (RFC 9103).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/result.h"
#include "feeds/zone_server.h"
#include "feeds/zone_streams.h"
#include "net/tls_server.h"

namespace postern::feeds {

/// Accepts in a thread of its own, and gives each connection to ZoneStreams. Files that have
/// changed are read again within seconds; those that then cannot be used are told of, and the
/// certificate of before stays. Without one that can be used all are turned away until there is.
class TransferListener {
 public:
  /// Whether somebody at that address may come at all. From the listener's thread.
  using Admits = std::function<bool(const IpAddress& client)>;

  /// `streams` and `log` must outlive it. Errors: an address cannot be had.
  static Result<std::unique_ptr<TransferListener>> start(TransferListenerOptions options,
                                                         ZoneStreams& streams, Admits admits,
                                                         Log& log);
  ~TransferListener() { stop(); }
  TransferListener(const TransferListener&) = delete;
  TransferListener& operator=(const TransferListener&) = delete;

  void stop();
  /// From any thread.
  void collect(Metrics& metrics) const;

 private:
  TransferListener(TransferListenerOptions options, ZoneStreams& streams, Admits admits, Log& log)
      : options_(std::move(options)), streams_(streams), admits_(std::move(admits)), log_(log) {}
  void run(const std::stop_token& stopping);
  void accept_from(const FileDescriptor& listener);
  void refresh();
  void use(std::shared_ptr<const net::TlsServer> tls);
  std::string stamp() const;

  const TransferListenerOptions options_;
  ZoneStreams& streams_;
  const Admits admits_;
  Log& log_;
  SharedCounter refused_;
  std::vector<FileDescriptor> listeners_;
  std::shared_ptr<const net::TlsServer> tls_;  // The thread's own once it runs; null: none yet.
  std::atomic<bool> is_ready_{false};          // There is one.
  std::string stamp_;    // Of the files that `tls_` is made of, or was tried with.
  std::jthread thread_;  // Last: it starts when all else is there.
};

}  // namespace postern::feeds
