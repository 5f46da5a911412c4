#pragma once

#include <map>
#include <memory>

#include <c10/core/Event.h>

#include "runtime/device/rank_device.h"
#include "runtime/transport/transport.h"

namespace pp {

/// Accompanies a message between ranks that are threads. The message's tensors
/// may be read once `ready` has completed, and must be returned to `owner`.
struct OnDevice {
  c10::Event ready;
  std::shared_ptr<Loans> owner;
};

/// A rank's links to devices of ranks in other processes, by peer. Between
/// ranks without a link, device tensors go through the host.
struct DeviceLinks {
  std::map<int, std::unique_ptr<DeviceLink>> to;
  std::map<int, std::unique_ptr<DeviceLink>> from;
};

/// Moves messages whose tensors are on devices. The host's transport keeps the
/// order of messages and wakes the ranks that wait for them. No call waits for
/// a device unless tensors have to go through the host.
///
///   thread ranks, same device   handed over; the receiver's compute stream
///                               waits for the sender's
///   thread ranks, two devices   copied on a stream of the receiver's own
///   processes with a link       sizes go with the host's message, memory over
///                               the link, on the send and receive streams
///   processes without           through the host's memory
///
/// The receiver may use a message on its compute stream. The rank that
/// allocated memory owns it until the event after its last use has completed
/// (Loans).
class DeviceTransport : public Transport {
 public:
  /// host     the host's transport; must outlive this object
  /// device   this rank's device; must outlive this object and every message
  ///          received
  /// threads  whether the other ranks are threads of this process
  DeviceTransport(
      Transport& host,
      RankDevice& device,
      bool threads,
      DeviceLinks links = {});
  ~DeviceTransport() override;

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  std::unique_ptr<Pending> send(Message message, int to) override;
  std::unique_ptr<Pending> recv(int from) override;
  void interrupt(const Error& cause) noexcept override;

 private:
  class Receiving;
  class Receive;

  Message pack(Message message, int to, std::vector<at::Tensor>& linked);
  void send_linked(const std::vector<at::Tensor>& tensors, int to);
  Message unpack(Message message, int from);
  void receive_linked(const std::vector<at::Tensor>& tensors, int from);
  at::Tensor take_over(at::Tensor tensor, const OnDevice& from);

  Transport& host_;
  RankDevice& device_;
  bool threads_;
  DeviceLinks links_;
  std::map<int, std::shared_ptr<Receiving>> receiving_;  ///< for each peer
};

}  // namespace pp
