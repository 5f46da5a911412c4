#pragma once

#include <map>
#include <memory>

#include <c10/core/Event.h>

#include "runtime/device/rank_device.h"
#include "runtime/transport/transport.h"

namespace pp {

/// With a message between thread ranks: its tensors are made when `ready` is
/// done, and go back to `owner`.
struct OnDevice {
  c10::Event ready;
  std::shared_ptr<Loans> owner;
};

/// A rank's links to other processes, by peer. Between ranks without one,
/// device tensors go through the host.
struct DeviceLinks {
  std::map<int, std::unique_ptr<DeviceLink>> to;
  std::map<int, std::unique_ptr<DeviceLink>> from;
};

/// Moves messages whose tensors lie on devices, over another transport that
/// keeps their order and wakes who waits for them. No call waits for a device,
/// but where tensors have to go through the host.
///
///   thread ranks, same device   handed over; the receiver's compute stream
///                               waits for the sender's
///   thread ranks, two devices   copied on a stream of the receiver's own
///   processes with a link       the host's message says sizes; the memory goes
///                               over the link, on the send and receive streams
///   processes without           through the host's memory
///
/// Who gets a message may use it on the rank's compute stream. Memory is owned
/// by its rank until the event behind its last use (Loans).
class DeviceTransport : public Transport {
 public:
  /// host     must outlive this
  /// device   this rank's; must outlive this and what it received
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
  std::map<int, std::shared_ptr<Receiving>> receiving_;  ///< by peer
};

}  // namespace pp
