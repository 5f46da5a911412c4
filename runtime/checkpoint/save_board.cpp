#include "runtime/checkpoint/save_board.h"

#include <nlohmann/json.hpp>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"

namespace pp {

namespace {

std::string to_text(const SaveBoard::WrittenPart& written) {
  const auto& [file, num_bytes, hash, host] = written.part;
  return nlohmann::json{file, num_bytes, hash, host, written.leader}.dump();
}

SaveBoard::WrittenPart parse_written(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    return {
        {json.at(0), json.at(1), json.at(2), json.at(3)},
        json.at(4).get<int>()};
  } catch (const nlohmann::json::exception&) {
    throw runtime_error(
        "can't read an entry about a part of the checkpoint in the job's "
        "store; does every rank run the same version of pp?");
  }
}

}  // namespace

SaveBoard::SaveBoard(RankContext& context, int64_t step, int num_parts)
    : context_(context), step_(step), num_parts_(num_parts) {}

std::string SaveBoard::key(const std::string& name) const {
  return "checkpoint/" + std::to_string(step_) + "/" + name;
}

std::string SaveBoard::key(const std::string& name, int number) const {
  return key(name) + "/" + std::to_string(number);
}

std::vector<std::string> SaveBoard::part_keys() const {
  std::vector<std::string> keys;
  for (int part = 0; part < num_parts_; ++part) {
    keys.push_back(key("part", part));
  }
  return keys;
}

void SaveBoard::note_entered() const {
  context_.store->set(key("entered", context_.rank), std::string("1"));
}

bool SaveBoard::has_entered(int rank) const {
  return context_.store->check({key("entered", rank)});
}

void SaveBoard::note_begun() const {
  context_.store->set(key("begun", context_.rank), std::string("1"));
}

bool SaveBoard::has_begun(int leader) const {
  return context_.store->check({key("begun", leader)});
}

void SaveBoard::note_written(int part, const WrittenPart& written) const {
  context_.store->set(part_keys().at(part), to_text(written));
}

bool SaveBoard::has_all_parts() const {
  return context_.store->check(part_keys());
}

std::vector<SaveBoard::WrittenPart> SaveBoard::parts() const {
  std::vector<WrittenPart> parts;
  for (const std::string& name : part_keys()) {
    parts.push_back(parse_written(context_.store->get_to_str(name)));
  }
  return parts;
}

void SaveBoard::note_committed() const {
  context_.store->add(key("committed"), 1);
}

int64_t SaveBoard::num_committed() const {
  return context_.store->add(key("committed"), 0);
}

void SaveBoard::note_pruned() const {
  context_.store->add(key("pruned"), 1);
}

int64_t SaveBoard::num_pruned() const {
  return context_.store->add(key("pruned"), 0);
}

void SaveBoard::note_done() const {
  context_.store->add(key("done"), 1);
}

int64_t SaveBoard::num_done() const {
  return context_.store->add(key("done"), 0);
}

void SaveBoard::clear(const FolderSharing& sharing) const {
  for (const int leader : sharing.leaders()) {
    context_.store->deleteKey(key("begun", leader));
  }
  for (const std::string& name : part_keys()) {
    context_.store->deleteKey(name);
  }
  context_.store->deleteKey(key("committed"));
  context_.store->deleteKey(key("pruned"));
  context_.store->deleteKey(key("done"));
  for (int rank = 0; rank < context_.size; ++rank) {
    context_.store->deleteKey(key("entered", rank));
  }
}

}  // namespace pp
