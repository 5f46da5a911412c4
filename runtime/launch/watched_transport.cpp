#include "runtime/launch/watched_transport.h"

#include <utility>

#include "runtime/transport/errors.h"

namespace pp {

namespace {

class WatchedPending : public Pending {
 public:
  WatchedPending(
      std::unique_ptr<Pending> inner, Activity& activity, int peer, bool sends)
      : inner_(std::move(inner)),
        activity_(activity),
        peer_(peer),
        sends_(sends) {}

  Message wait(std::chrono::milliseconds timeout) override {
    activity_.begin_wait(peer_, sends_);
    try {
      Message message = inner_->wait(timeout);
      activity_.end_wait();
      return message;
    } catch (const Stalled&) {
      activity_.mark_stalled();
      throw;
    }
  }

 private:
  std::unique_ptr<Pending> inner_;
  Activity& activity_;
  int peer_;
  bool sends_;
};

}  // namespace

std::unique_ptr<Pending> WatchedTransport::send(Message message, int to) {
  return std::make_unique<WatchedPending>(
      inner_.send(std::move(message), to), activity_, to, true);
}

std::unique_ptr<Pending> WatchedTransport::recv(int from) {
  return std::make_unique<WatchedPending>(
      inner_.recv(from), activity_, from, false);
}

}  // namespace pp
