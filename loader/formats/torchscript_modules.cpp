#include "loader/formats/torchscript_modules.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>

#include "loader/archive/mapped_file.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp::ts {

namespace {

constexpr const char* kPrefix = "__torch__.pp.";

std::vector<int64_t> values_of(const std::vector<ir::Dim>& dims) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : dims) {
    out.push_back(dim.value);
  }
  return out;
}

/// States as tensors on the source's pages; what shares a record there shares
/// a storage here, so that the writer writes it once and as a whole.
class Tensors {
 public:
  explicit Tensors(const Model& source)
      : source_(source),
        mapping_(std::make_shared<MappedFile>(
            source.archive->path(), MappedFile::Mode::Private)) {}

  at::Tensor find(const ir::State& state) {
    const auto found = source_.records.find(state.fqn);
    check(found != source_.records.end(), "every state has a record");
    const StateRecord& record = found->second;
    const ir::TensorMeta& meta = record.tensor;
    const auto options =
        at::TensorOptions().dtype(static_cast<at::ScalarType>(meta.dtype));
    at::Tensor out;
    if (record.num_bytes == 0) {
      out = at::empty_strided(
          values_of(meta.sizes), values_of(meta.strides), options);
    } else {
      out = at::empty({0}, options);
      out.set_(
          storage_of(record),
          meta.storage_offset.value,
          values_of(meta.sizes),
          values_of(meta.strides));
    }
    return out.set_requires_grad(
        meta.requires_grad && state.kind == ir::StateKind::Parameter &&
        out.is_floating_point());
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
  std::shared_ptr<MappedFile> mapping_;
  std::map<std::string, at::Storage> storages_;
};

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
      c10::QualifiedName(kPrefix + name), unit, /*shouldMangle=*/true);
  out.register_attribute("training", c10::BoolType::get(), true);
  return out;
}

}  // namespace

ModuleTree::ModuleTree(const ir::Graph& graph, const Model& source)
    : unit_(std::make_shared<torch::jit::CompilationUnit>()),
      root_(new_module(unit_, "")) {
  Tensors tensors(source);
  for (const ir::State& state : graph.states) {
    const at::Tensor tensor = tensors.find(state);
    std::vector<std::string> names{state.fqn};
    names.insert(names.end(), state.aliases.begin(), state.aliases.end());
    for (const std::string& fqn : names) {
      const auto [path, name] = split_fqn(fqn);
      torch::jit::Module& owner = module_of(path);
      owner.register_attribute(
          name,
          c10::TensorType::get(),
          tensor,
          state.kind == ir::StateKind::Parameter,
          state.kind == ir::StateKind::Buffer);
    }
  }
}

torch::jit::Module& ModuleTree::module_of(const std::string& path) {
  if (path.empty()) {
    return root_;
  }
  if (const auto found = modules_.find(path); found != modules_.end()) {
    return found->second;
  }
  const auto [owner, name] = split_fqn(path);
  const torch::jit::Module made = new_module(unit_, path);
  module_of(owner).register_module(name, made);
  return modules_.emplace(path, made).first->second;
}

torch::jit::Value* ModuleTree::read(
    torch::jit::Graph& code, torch::jit::Value* self, const std::string& fqn) {
  torch::jit::Value* at = self;
  for (const std::string& name : split_text(fqn, '.')) {
    at = code.insertGetAttr(at, name);
  }
  return at;
}

}  // namespace pp::ts
