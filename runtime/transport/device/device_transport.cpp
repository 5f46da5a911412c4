#include "runtime/transport/device/device_transport.h"

#include <deque>
#include <optional>
#include <utility>

#include <ATen/ops/empty_strided.h>
#include <c10/core/StreamGuard.h>

#include "runtime/transport/canonical.h"
#include "runtime/transport/device/device_wire.h"

namespace pp {

namespace {

using device_wire::Place;
using device_wire::Sent;
using std::chrono::milliseconds;

bool is_on_device(const at::Tensor& tensor) {
  return tensor.defined() && !tensor.device().is_cpu();
}

bool has_any_on_device(const Message& message) {
  for (const at::Tensor& tensor : message.tensors) {
    if (is_on_device(tensor)) {
      return true;
    }
  }
  return false;
}

std::vector<at::Tensor> flat_memories(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : tensors) {
    flat.push_back(flat_memory(tensor));
  }
  return flat;
}

at::Tensor like_on(const at::Tensor& tensor, c10::Device device) {
  return at::empty_strided(
      tensor.sizes(), tensor.strides(), tensor.options().device(device));
}

}  // namespace

/// The messages from one peer, in order: over a link, memory has to be received
/// in the order of the messages, whichever is waited for first.
class DeviceTransport::Receiving {
 public:
  struct Slot {
    std::unique_ptr<Pending> pending;
    std::optional<Message> message;
  };

  std::shared_ptr<Slot> add(std::unique_ptr<Pending> pending) {
    auto slot = std::make_shared<Slot>();
    slot->pending = std::move(pending);
    slots_.push_back(slot);
    return slot;
  }

  /// Receives messages in order, up to that of the slot, which it returns.
  template <class Unpack>
  Message take(Slot& wanted, milliseconds timeout, Unpack unpack) {
    while (!wanted.message) {
      Slot& first = *slots_.front();
      check(
          first.pending != nullptr,
          "wait() must not be called after one has failed");
      const auto pending = std::exchange(first.pending, nullptr);
      Message message = pending->wait(timeout);
      first.message = unpack(std::move(message));
      slots_.pop_front();
    }
    return *std::exchange(wanted.message, std::nullopt);
  }

 private:
  std::deque<std::shared_ptr<Slot>> slots_;
};

class DeviceTransport::Receive : public Pending {
 public:
  Receive(
      DeviceTransport& transport,
      int from,
      std::shared_ptr<Receiving> all,
      std::shared_ptr<Receiving::Slot> slot)
      : transport_(transport),
        from_(from),
        all_(std::move(all)),
        slot_(std::move(slot)) {}

  Message wait(milliseconds timeout) override {
    return all_->take(*slot_, timeout, [this](Message message) {
      return transport_.unpack(std::move(message), from_);
    });
  }

 private:
  DeviceTransport& transport_;
  int from_;
  std::shared_ptr<Receiving> all_;
  std::shared_ptr<Receiving::Slot> slot_;
};

DeviceTransport::DeviceTransport(
    Transport& host, RankDevice& device, bool threads, DeviceLinks links)
    : host_(host),
      device_(device),
      threads_(threads),
      links_(std::move(links)) {}
DeviceTransport::~DeviceTransport() = default;

std::unique_ptr<Pending> DeviceTransport::send(Message message, int to) {
  device_.loans()->collect();
  message = canonical(std::move(message));  // on the compute stream
  if (threads_) {
    if (has_any_on_device(message)) {
      message.on_device = std::make_shared<OnDevice>(
          OnDevice{recorded_on(device_.compute()), device_.loans()});
    }
    return host_.send(std::move(message), to);
  }
  std::vector<at::Tensor> linked;
  message = pack(std::move(message), to, linked);
  auto pending = host_.send(std::move(message), to);
  send_linked(linked, to);
  return pending;
}

/// The message that the host sends. Tensors for the link go to `linked`
/// instead.
Message DeviceTransport::pack(
    Message message, int to, std::vector<at::Tensor>& linked) {
  const bool has_link = links_.to.contains(to);
  std::vector<Sent> sent;
  for (at::Tensor& tensor : message.tensors) {
    Sent one;
    if (!is_on_device(tensor)) {
      sent.push_back(one);
      continue;
    }
    if (has_link && tensor.numel() > 0) {
      one.place = Place::Linked;
      one.dtype = static_cast<int64_t>(tensor.scalar_type());
      one.sizes = tensor.sizes().vec();
      one.strides = tensor.strides().vec();
      linked.push_back(std::exchange(tensor, {}));
    } else {
      one.place = Place::Staged;
      tensor = tensor.to(at::kCPU);  // keeps a dense tensor's strides
    }
    sent.push_back(std::move(one));
  }
  device_wire::append(message.ints, sent);
  return message;
}

void DeviceTransport::send_linked(
    const std::vector<at::Tensor>& tensors, int to) {
  if (tensors.empty()) {
    return;
  }
  wait_for(device_.send(), device_.compute());
  const c10::StreamGuard on_send(device_.send());
  links_.to.at(to)->send(flat_memories(tensors));
  for (const at::Tensor& tensor : tensors) {
    device_.loans()->come_back(tensor, recorded_on(device_.send()));
  }
}

std::unique_ptr<Pending> DeviceTransport::recv(int from) {
  auto& all = receiving_[from];
  if (!all) {
    all = std::make_shared<Receiving>();
  }
  auto slot = all->add(host_.recv(from));
  return std::make_unique<Receive>(*this, from, all, std::move(slot));
}

Message DeviceTransport::unpack(Message message, int from) {
  device_.loans()->collect();
  if (threads_) {
    if (const auto on_device = std::exchange(message.on_device, nullptr)) {
      for (at::Tensor& tensor : message.tensors) {
        if (is_on_device(tensor)) {
          tensor = take_over(std::move(tensor), *on_device);
        }
      }
    }
    return message;
  }
  const std::vector<Sent> sent =
      device_wire::take_off(message.ints, message.tensors.size());
  std::vector<at::Tensor> linked;
  for (size_t i = 0; i < sent.size(); ++i) {
    at::Tensor& tensor = message.tensors[i];
    if (sent[i].place == Place::Staged) {
      const c10::StreamGuard on_compute(device_.compute());
      tensor = like_on(tensor, device_.device()).copy_(tensor);
    } else if (sent[i].place == Place::Linked) {
      // Allocated on the stream that writes it.
      const c10::StreamGuard on_receive(device_.receive());
      linked.push_back(at::empty_strided(
          sent[i].sizes,
          sent[i].strides,
          at::TensorOptions()
              .dtype(static_cast<at::ScalarType>(sent[i].dtype))
              .device(device_.device())));
    }
  }
  if (!linked.empty()) {
    receive_linked(linked, from);
    auto next = linked.begin();
    for (size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].place == Place::Linked) {
        message.tensors[i] =
            lend(std::move(*next++), device_.loans(), device_.compute());
      }
    }
  }
  return message;
}

void DeviceTransport::receive_linked(
    const std::vector<at::Tensor>& tensors, int from) {
  const auto link = links_.from.find(from);
  if (link == links_.from.end()) {
    throw runtime_error(
        "rank " + std::to_string(from) +
        " sends over a link that this rank doesn't have; does every rank "
        "run the same build of pp?");
  }
  const c10::StreamGuard on_receive(device_.receive());
  link->second->recv(flat_memories(tensors));
  wait_for(device_.compute(), device_.receive());
}

/// A tensor that another thread rank sent: unchanged, or copied to this rank's
/// device.
at::Tensor DeviceTransport::take_over(at::Tensor tensor, const OnDevice& from) {
  if (tensor.device() == device_.device()) {
    from.ready.block(device_.compute());
    return lend(std::move(tensor), from.owner, device_.compute());
  }
  const c10::Stream there = device_.copy_stream(tensor.device());
  from.ready.block(there);
  at::Tensor here;
  {
    // A copy between devices runs on the source's current stream, and the
    // target's waits for it.
    const c10::StreamGuard on_source(there);
    const c10::StreamGuard on_receive(device_.receive());
    here = like_on(tensor, device_.device());
    here.copy_(tensor, /*non_blocking=*/true);
  }
  from.owner->come_back(std::move(tensor), recorded_on(there));
  wait_for(device_.compute(), device_.receive());
  return lend(std::move(here), device_.loans(), device_.compute());
}

void DeviceTransport::interrupt(const Error& cause) noexcept {
  host_.interrupt(cause);
  for (auto* links : {&links_.to, &links_.from}) {
    for (const auto& [peer, link] : *links) {
      link->abort();
    }
  }
}

}  // namespace pp
