#include "loader/torchscript/code/module_tree.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>

#include "loader/archive/mapped_file.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp::ts {

namespace {

constexpr const char* kTypePrefix = "__torch__.pp.";

std::vector<int64_t> sizes_of(const std::vector<ir::Dim>& dims) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : dims) {
    out.push_back(dim.value);
  }
  return out;
}

/// Makes tensors on the source's mapped pages. Tensors of one record share a
/// storage, so that the writer writes it once and as a whole.
class MappedTensors {
 public:
  explicit MappedTensors(const Model& source)
      : source_(source),
        mapping_(std::make_shared<MappedFile>(
            source.archive->path(), MappedFile::Mode::Private)) {}

  at::Tensor make(const ir::State& state) {
    const auto found = source_.records.find(state.fqn);
    check(found != source_.records.end(), "every state has a record");
    const StateRecord& record = found->second;
    const ir::TensorMeta& meta = record.tensor;
    const auto options =
        at::TensorOptions().dtype(static_cast<at::ScalarType>(meta.dtype));
    at::Tensor out;
    if (record.num_bytes == 0) {
      out = at::empty_strided(
          sizes_of(meta.sizes), sizes_of(meta.strides), options);
    } else {
      out = at::empty({0}, options);
      out.set_(
          storage_of(record),
          meta.storage_offset.value,
          sizes_of(meta.sizes),
          sizes_of(meta.strides));
    }
    return out.set_requires_grad(
        meta.requires_grad && state.kind == ir::StateKind::Parameter &&
        ir::is_differentiable(meta.dtype));
  }

 private:
  at::Storage storage_of(const StateRecord& record) {
    if (const auto found = storages_.find(record.record);
        found != storages_.end()) {
      return found->second;
    }
    const auto size = static_cast<int64_t>(record.num_bytes);
    const auto mapping =
        record.file ? std::make_shared<MappedFile>(
                          record.file->path(), MappedFile::Mode::Private)
                    : mapping_;
    check(
        record.offset + record.num_bytes <= mapping->size(),
        "a record lies in its file");
    const at::Tensor bytes = at::from_blob(
        mapping->writable_data() + record.offset,
        {size},
        [mapping](void*) {},
        at::TensorOptions(at::kByte));
    return storages_.emplace(record.record, bytes.storage()).first->second;
  }

  const Model& source_;
  std::shared_ptr<MappedFile> mapping_;          // the source's archive
  std::map<std::string, at::Storage> storages_;  // by record
};

/// Splits an FQN into its owner's FQN and the name within the owner.
std::pair<std::string, std::string> split_fqn(const std::string& fqn) {
  const size_t dot = fqn.rfind('.');
  return dot == std::string::npos
             ? std::pair(std::string(), fqn)
             : std::pair(fqn.substr(0, dot), fqn.substr(dot + 1));
}

torch::jit::Module new_module(
    const std::shared_ptr<torch::jit::CompilationUnit>& unit,
    const std::string& path) {
  std::string name = path.empty() ? "Stage" : "Module_" + path;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  torch::jit::Module out(
      c10::QualifiedName(kTypePrefix + name), unit, /*shouldMangle=*/true);
  out.register_attribute("training", c10::BoolType::get(), true);
  return out;
}

}  // namespace

ModuleTree::ModuleTree(const ir::Graph& graph, const Model& source)
    : unit_(std::make_shared<torch::jit::CompilationUnit>()),
      root_(new_module(unit_, "")) {
  MappedTensors tensors(source);
  for (const ir::State& state : graph.states) {
    const at::Tensor tensor = tensors.make(state);
    std::vector<std::string> names{state.fqn};
    names.insert(names.end(), state.aliases.begin(), state.aliases.end());
    for (const std::string& fqn : names) {
      const auto [path, name] = split_fqn(fqn);
      torch::jit::Module& owner = find_or_add(path);
      owner.register_attribute(
          name,
          c10::TensorType::get(),
          tensor,
          state.kind == ir::StateKind::Parameter,
          state.kind == ir::StateKind::Buffer);
    }
  }
}

torch::jit::Module& ModuleTree::find_or_add(const std::string& path) {
  if (path.empty()) {
    return root_;
  }
  if (const auto found = modules_.find(path); found != modules_.end()) {
    return found->second;
  }
  const auto [owner, name] = split_fqn(path);
  const torch::jit::Module added = new_module(unit_, path);
  find_or_add(owner).register_module(name, added);
  return modules_.emplace(path, added).first->second;
}

torch::jit::Value* ModuleTree::read(
    torch::jit::Graph& code, torch::jit::Value* self, const std::string& fqn) {
  torch::jit::Value* value = self;
  for (const std::string& name : split_text(fqn, '.')) {
    value = code.insertGetAttr(value, name);
  }
  return value;
}

void ModuleTree::write(
    torch::jit::Graph& code,
    torch::jit::Value* self,
    const std::string& fqn,
    torch::jit::Value* tensor) {
  std::vector<std::string> path = split_text(fqn, '.');
  const std::string name = std::move(path.back());
  path.pop_back();
  torch::jit::Value* owner = self;
  for (const std::string& module : path) {
    owner = code.insertGetAttr(owner, module);
  }
  code.insertNode(code.create(torch::jit::prim::SetAttr, {owner, tensor}, 0))
      ->s_(torch::jit::attr::name, name);
}

}  // namespace pp::ts
