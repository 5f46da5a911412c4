#include "runtime/checkpoint/job_checkpoint.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "runtime/checkpoint/inventory.h"
#include "runtime/checkpoint/tensor_name.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/from_rank.h"

namespace pp {

namespace {

using Json = nlohmann::json;

Message tensor_message(const at::Tensor& tensor) {
  Message message;
  message.tensors.push_back(tensor);
  message.requires_grad.push_back(0);
  return message;
}

std::vector<std::string> parse_names(const std::string& text, int rank) {
  return from_rank(
      text, rank, "the names of its tensors", [](const Json& json) {
        return json.get<std::vector<std::string>>();
      });
}

}  // namespace

JobCheckpoint::JobCheckpoint(
    RankContext& context,
    std::filesystem::path path,
    CheckpointContent content,
    FolderSharing sharing,
    std::vector<std::vector<int>> holders)
    : context_(context),
      path_(std::move(path)),
      content_(std::move(content)),
      sharing_(std::move(sharing)),
      holders_(std::move(holders)) {
  check(
      holders_.size() == content_.parts.size(),
      "each part must have a list of holders");
}

bool JobCheckpoint::has(int rank, size_t part) const {
  return std::ranges::binary_search(holders_[part], sharing_.leader_of(rank));
}

bool JobCheckpoint::every_rank_has_all() const {
  return std::ranges::all_of(holders_, [this](const auto& leaders) {
    return leaders.size() == sharing_.leaders().size();
  });
}

TensorLookup JobCheckpoint::lookup(const std::set<std::string>& fqns) {
  std::vector<std::string> files;
  for (size_t part = 0; part < content_.parts.size(); ++part) {
    if (has(context_.rank, part)) {
      files.push_back(content_.parts[part].file);
    }
  }
  const auto reader =
      std::make_shared<CheckpointReader>(path_, content_.state, files);
  if (every_rank_has_all()) {
    return [reader](const std::string& name) { return reader->try_find(name); };
  }
  Json missing = Json::array();
  for (const std::string& fqn : fqns) {
    if (!reader->try_find(fqn).defined()) {
      missing.push_back(fqn);
    }
  }
  std::vector<std::vector<std::string>> wanted;
  for (const std::string& text : all_gather_text(context_, missing.dump())) {
    wanted.push_back(parse_names(text, static_cast<int>(wanted.size())));
  }
  std::vector<std::unique_ptr<Pending>> sends;
  send(wanted, sends);
  Tensors received;
  if (!missing.empty()) {
    received = receive();
  }
  for (const auto& each : sends) {
    each->wait(context_.stall_timeout);
  }
  return [reader, received = std::move(received)](const std::string& name) {
    const auto found = received.find(name);
    return found == received.end() ? reader->try_find(name) : found->second;
  };
}

/// Sends each rank the tensors that it lacks, if they are in a part for which
/// this rank is the first holder: the list of their names, then each tensor.
void JobCheckpoint::send(
    const std::vector<std::vector<std::string>>& wanted,
    std::vector<std::unique_ptr<Pending>>& sends) {
  std::vector<std::string> files;
  for (size_t part = 0; part < content_.parts.size(); ++part) {
    if (holders_[part].front() == context_.rank) {
      files.push_back(content_.parts[part].file);
    }
  }
  if (files.empty()) {
    return;
  }
  const CheckpointReader reader(path_, content_.state, files);
  for (int rank = 0; rank < context_.size; ++rank) {
    if (rank == context_.rank || wanted[rank].empty()) {
      continue;
    }
    const std::set<std::string> fqns(wanted[rank].begin(), wanted[rank].end());
    std::vector<std::string> names = reader.names();
    std::erase_if(names, [&](const std::string& name) {
      return !fqns.contains(parse_tensor_name(name).fqn);
    });
    sends.push_back(
        context_.transport->send(text_message(Json(names).dump()), rank));
    for (const std::string& name : names) {
      sends.push_back(
          context_.transport->send(tensor_message(reader.find(name)), rank));
    }
  }
}

JobCheckpoint::Tensors JobCheckpoint::receive() {
  std::set<int> senders;
  for (const std::vector<int>& leaders : holders_) {
    senders.insert(leaders.front());
  }
  senders.erase(context_.rank);
  Tensors received;
  const auto next = [this](int from) {
    return context_.transport->recv(from)->wait(context_.stall_timeout);
  };
  for (const int from : senders) {
    for (const std::string& name : parse_names(text_of(next(from)), from)) {
      const Message message = next(from);
      if (message.tensors.size() != 1) {
        throw not_from_rank(from, "the tensor '" + name + "'");
      }
      received[name] = message.tensors[0];
    }
  }
  return received;
}

JobCheckpoint open_checkpoint(
    RankContext& context, const std::filesystem::path& path) {
  std::error_code ignored;
  const std::string own = std::filesystem::exists(path / kStateFile, ignored)
                              ? contents_text(path)
                              : kNoContents;
  if (const Combined alone = combine({own}, path); !alone.faults.empty()) {
    throw input_error(alone.faults.front());
  }
  RankContext patient = for_disk_waits(context);
  Combined found = combine(all_gather_text(patient, own), path);
  if (found.state_text.empty()) {
    found.content = read_checkpoint(path);  // throws: it says what is missing
  }
  if (!found.absent.empty()) {
    check_parts_are_there(path, found.content);
  }
  return {
      context,
      path,
      std::move(found.content),
      FolderSharing::each_alone(context.size),
      std::move(found.holders)};
}

}  // namespace pp
