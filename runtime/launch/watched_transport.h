#pragma once

#include "runtime/rank/activity.h"
#include "runtime/transport/transport.h"

namespace pp {

/// A transport that passes every call on to `inner`, and records in `activity`
/// which peer the rank waits for.
class WatchedTransport : public Transport {
 public:
  /// `inner` and `activity` must outlive this object.
  WatchedTransport(Transport& inner, Activity& activity)
      : inner_(inner), activity_(activity) {}

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  std::unique_ptr<Pending> send(Message message, int to) override;
  std::unique_ptr<Pending> recv(int from) override;
  void interrupt(const Error& cause) noexcept override {
    inner_.interrupt(cause);
  }

 private:
  Transport& inner_;
  Activity& activity_;
};

}  // namespace pp
