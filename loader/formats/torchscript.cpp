#include "loader/formats/torchscript.h"

#include <algorithm>

#include <ATen/core/jit_type.h>
#include <ATen/ops/empty.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/formats/exported_program_tree.h"
#include "loader/formats/schemas.h"
#include "loader/formats/torchscript_archive.h"
#include "loader/formats/torchscript_builder.h"
#include "loader/formats/torchscript_lower.h"
#include "loader/formats/torchscript_names.h"
#include "loader/formats/torchscript_states.h"
#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

using ts::Builder;
using ts::Item;
using ts::Returned;

/// The arguments of forward: values that the caller passes, or their defaults.
std::vector<Item> add_inputs(
    const c10::FunctionSchema& schema,
    const std::vector<at::Tensor>& traced,
    const std::string& where,
    Builder& builder) {
  std::vector<Item> out;
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    const auto kind = argument.type()->kind();
    if (argument.default_value()) {
      out.push_back(ts::item_of(*argument.default_value()));
      continue;
    }
    ir::TypeKind made = ir::TypeKind::Tensor;
    if (kind == c10::TypeKind::IntType) {
      made = ir::TypeKind::Int;
    } else if (kind == c10::TypeKind::FloatType) {
      made = ir::TypeKind::Float;
    } else if (kind == c10::TypeKind::BoolType) {
      made = ir::TypeKind::Bool;
    } else if (kind != c10::TypeKind::TensorType) {
      throw input_error(
          where + ": forward's argument '" + argument.name() + "' is " +
          argument.type()->repr_str() +
          "; tensors and numbers are supported, or a default value");
    }
    const bool has_example = i - 1 < traced.size() && traced[i - 1].defined() &&
                             made == ir::TypeKind::Tensor;
    const ts::Made value = builder.add_value(
        argument.name(),
        made,
        has_example ? std::optional<c10::IValue>(traced[i - 1]) : std::nullopt);
    builder.graph().inputs.push_back(
        {argument.name(), value.id, argument.kwarg_only()});
    out.push_back({value});
  }
  return out;
}

/// Meta tensors like the example's, or as the caller says they are.
std::vector<at::Tensor> with_hints(
    std::vector<at::Tensor> traced,
    const c10::FunctionSchema& schema,
    const InputHints& hints) {
  for (const auto& [name, meta] : hints) {
    const auto position = schema.argumentIndexWithName(name);
    if (!position || *position == 0) {
      std::vector<std::string> known;
      for (size_t i = 1; i < schema.arguments().size(); ++i) {
        known.push_back(schema.arguments()[i].name());
      }
      throw usage_error(
          "--input " + name + ": forward has no such argument" +
          did_you_mean(name, known));
    }
    const auto index = static_cast<size_t>(*position) - 1;
    traced.resize(std::max(traced.size(), index + 1));
    std::vector<int64_t> sizes;
    for (const ir::Dim& dim : meta.sizes) {
      sizes.push_back(dim.value);
    }
    traced[index] = at::empty(
        sizes,
        at::TensorOptions(static_cast<at::ScalarType>(meta.dtype))
            .device(at::kMeta));
  }
  return traced;
}

/// Takes apart what forward returns.
class Outputs {
 public:
  explicit Outputs(Builder& builder) : builder_(builder) {}

  Returned add(const Item& item, const ep::TreePath& path) {
    const ts::Compound* compound = item.compound();
    if (compound == nullptr) {
      values_.push_back(builder_.to_arg(item, c10::TensorType::get()));
      paths_.push_back(path);
      return {};
    }
    if (compound->open_node) {
      throw input_error(
          "returns a list whose length is not known before the model runs");
    }
    Returned out;
    out.keys = compound->keys;
    switch (compound->kind) {
      case ts::Compound::Kind::List:
        out.kind = Returned::Kind::List;
        break;
      case ts::Compound::Kind::Dict:
        out.kind = Returned::Kind::Dict;
        break;
      case ts::Compound::Kind::Tuple:
        out.kind = Returned::Kind::Tuple;
        name_fields(*compound, out);
        break;
    }
    for (size_t i = 0; i < compound->items.size(); ++i) {
      ep::TreePath inner = path;
      inner.push_back(
          out.keys.empty() ? ep::TreeStep{std::to_string(i), false}
                           : ep::TreeStep{out.keys[i], true});
      out.children.push_back(add(compound->items[i], inner));
    }
    return out;
  }

  void finish() {
    const std::vector<std::string> names = ep::output_names(paths_);
    for (size_t i = 0; i < names.size(); ++i) {
      builder_.graph().outputs.push_back({names[i], std::move(values_[i])});
    }
  }

 private:
  static void name_fields(const ts::Compound& tuple, Returned& out) {
    const auto type = tuple.type ? tuple.type->cast<c10::TupleType>() : nullptr;
    if (!type || !type->name() || !type->schema()) {
      return;
    }
    out.type_name = type->name()->qualifiedName();
    for (const c10::Argument& field : type->schema()->arguments()) {
      out.keys.push_back(field.name());
    }
  }

  Builder& builder_;
  std::vector<ir::Arg> values_;
  std::vector<ep::TreePath> paths_;
};

/// Takes names, sizes and modules from what the stage writer left beside the
/// code.
void adopt_written_graph(const ZipReader& archive, Model& model) {
  const std::string where = archive.label() + ": " + ts::kGraphRecord;
  ir::Graph written;
  try {
    written = ir::parse_text(archive.text(ts::kGraphRecord));
  } catch (const Error& error) {
    throw input_error(where + ": " + error.what());
  }
  ir::lint(written, where);
  if (const auto difference = ts::try_find_difference(written, model.graph)) {
    throw input_error(
        where + " does not describe the code beside it (" + *difference +
        "); split the model again");
  }
  std::map<std::string, StateRecord> records;
  for (const ir::State& state : written.states) {
    const int found = ir::try_find_state(model.graph, state.fqn);
    const ir::State& from = model.graph.states[static_cast<size_t>(found)];
    records.emplace(state.fqn, model.records.at(from.fqn));
  }
  model.graph = std::move(written);
  model.records = std::move(records);
}

}  // namespace

bool is_torchscript(const ZipReader& archive) {
  return archive.has("constants.pkl") && archive.has("data.pkl") &&
         std::ranges::any_of(archive.records(), [](const ZipRecord& record) {
           return record.name.starts_with("code/");
         });
}

Model load_torchscript(
    std::shared_ptr<const ZipReader> archive,
    const InputHints& hints,
    std::optional<bool> training) {
  const std::string where = archive->label();
  ts::LoadedModule loaded = ts::load_module(archive);
  if (training) {
    loaded.module.train(*training);
  }
  const auto method = loaded.module.find_method("forward");
  if (!method) {
    throw input_error(where + ": the module has no forward");
  }
  Model model;
  model.path = archive->path().string();
  model.format = ModelFormat::TorchScript;
  auto details = std::make_shared<ts::Details>();
  Builder builder(loaded.records);
  const auto traced = with_hints(
      ts::traced_inputs(*archive), method->function().getSchema(), hints);
  try {
    const std::vector<Item> inputs =
        add_inputs(method->function().getSchema(), traced, where, builder);
    const ts::States states(loaded.module, builder);
    ts::Lowering lowering(builder, states, where);
    Outputs outputs(builder);
    details->returned = outputs.add(lowering.run(loaded.module, inputs), {});
    outputs.finish();
    builder.finish();
  } catch (const Error& error) {
    const std::string what = error.what();
    throw input_error(what.starts_with(where) ? what : where + ": " + what);
  } catch (const c10::Error& error) {
    throw input_error(
        where + ": " + ts::first_line(error.what_without_backtrace()));
  }
  model.graph = std::move(builder.graph());
  model.records = std::move(builder.state_records());
  annotate_effects(model.graph, where);
  ts::drop_dead_nodes(model.graph);
  if (archive->has(ts::kGraphRecord)) {
    adopt_written_graph(*archive, model);
  } else if (traced.empty()) {
    model.notes.push_back(
        "scripted: the file says nothing of sizes and element types, so they "
        "are not checked; --input NAME=SIZES says it");
  } else if (!hints.empty()) {
    model.notes.push_back(
        "sizes are those of --input; only element types and numbers of "
        "dimensions are checked");
  } else {
    model.notes.push_back(
        "traced: sizes are those of the example and may be built into the "
        "graph; only element types and numbers of dimensions are checked");
  }
  model.archive = std::move(archive);
  model.details = std::move(details);
  return model;
}

}  // namespace pp
