#include "runtime/rank/collectives.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <ATen/ops/empty.h>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "runtime/transport/canonical.h"

namespace pp {

std::vector<Message> gather(RankContext& context, Message own) {
  Transport& transport = *context.transport;
  std::vector<Message> all;
  if (context.rank != 0) {
    transport.send(std::move(own), 0)->wait(context.stall_timeout);
    return all;
  }
  std::vector<std::unique_ptr<Pending>> others;
  for (int from = 1; from < context.size; ++from) {
    others.push_back(transport.recv(from));
  }
  all.push_back(canonical(std::move(own)));
  for (const auto& other : others) {
    all.push_back(other->wait(context.stall_timeout));
  }
  return all;
}

Message broadcast(RankContext& context, Message message) {
  Transport& transport = *context.transport;
  if (context.rank != 0) {
    return transport.recv(0)->wait(context.stall_timeout);
  }
  message = canonical(std::move(message));
  std::vector<std::unique_ptr<Pending>> sends;
  for (int to = 1; to < context.size; ++to) {
    sends.push_back(transport.send(message, to));
  }
  for (const auto& send : sends) {
    send->wait(context.stall_timeout);
  }
  return message;
}

std::vector<std::string> gather_text(
    RankContext& context, const std::string& own) {
  std::vector<std::string> all;
  for (const Message& message : gather(context, text_message(own))) {
    all.push_back(text_of(message));
  }
  return all;
}

std::string broadcast_text(RankContext& context, const std::string& text) {
  return text_of(broadcast(context, text_message(text)));
}

std::vector<std::string> all_gather_text(
    RankContext& context, const std::string& own) {
  Message all;
  for (const std::string& text : gather_text(context, own)) {
    all.tensors.push_back(text_message(text).tensors.front());
    all.requires_grad.push_back(0);
  }
  all = broadcast(context, std::move(all));
  std::vector<std::string> texts;
  for (at::Tensor& bytes : all.tensors) {
    Message one;
    one.tensors.push_back(std::move(bytes));
    texts.push_back(text_of(one));
  }
  return texts;
}

void barrier(RankContext& context) {
  gather(context, {});
  broadcast(context, {});
}

Message text_message(const std::string& text) {
  Message message;
  message.tensors.push_back(
      at::empty({static_cast<int64_t>(text.size())}, at::kByte));
  message.requires_grad.push_back(0);
  std::ranges::copy(text, message.tensors[0].data_ptr<uint8_t>());
  return message;
}

std::string text_of(const Message& message) {
  if (message.tensors.size() != 1 || !message.tensors[0].defined() ||
      message.tensors[0].scalar_type() != at::kByte) {
    throw runtime_error(
        "a rank sent a message that isn't text; does every rank run the same "
        "version of pp?");
  }
  const at::Tensor& bytes = message.tensors[0];
  const auto* begin = bytes.const_data_ptr<uint8_t>();
  return {begin, begin + bytes.numel()};
}

RankContext for_disk_waits(const RankContext& context) {
  constexpr std::chrono::hours kLongest{1};
  RankContext patient = context;
  patient.stall_timeout =
      std::max<std::chrono::milliseconds>(context.stall_timeout, kLongest);
  return patient;
}

void barrier_for_disk(const RankContext& context) {
  RankContext patient = for_disk_waits(context);
  barrier(patient);
}

}  // namespace pp
