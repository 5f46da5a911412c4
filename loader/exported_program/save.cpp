#include <algorithm>
#include <cctype>
#include <set>

#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/exported_program/internal.h"
#include "loader/exported_program/load.h"
#include "loader/exported_program/payload_writer.h"
#include "loader/exported_program/tree.h"
#include "loader/exported_program/values.h"
#include "loader/exported_program/writer.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

using ep::Json;

/// Turns `name` into a Python identifier that is not in `taken`, and adds it.
std::string identifier(const std::string& name, std::set<std::string>& taken) {
  std::string out;
  for (const char c : name) {
    out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0])) != 0) {
    out.insert(0, "_");
  }
  while (!taken.insert(out).second) {
    out += "_";
  }
  return out;
}

/// Collects the symbols in the sizes of a graph, sub-graphs included.
void collect_symbols(const ir::Graph& graph, std::set<std::string>& symbols) {
  const auto add = [&](const ir::Dim& dim) {
    std::string word;
    for (const char c : dim.expr + " ") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
        word += c;
      } else {
        symbols.insert(std::move(word));
        word.clear();
      }
    }
  };
  for (const ir::Value& value : graph.values) {
    if (value.scalar) {
      add(*value.scalar);
    }
    if (value.tensor) {
      std::ranges::for_each(value.tensor->sizes, add);
      std::ranges::for_each(value.tensor->strides, add);
      add(value.tensor->storage_offset);
    }
  }
  for (const ir::Node& node : graph.nodes) {
    for (const ir::NamedArg& input : node.inputs) {
      if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        collect_symbols(*sub->graph, symbols);
      }
    }
  }
}

/// The modules in which nodes ran, and the modules that contain these.
std::set<std::string> called_modules(const ir::Graph& graph) {
  std::set<std::string> out;
  for (const ir::Node& node : graph.nodes) {
    for (const ir::ModuleFrame& frame : node.modules) {
      for (size_t dot = frame.fqn.find('.'); dot != std::string::npos;
           dot = frame.fqn.find('.', dot + 1)) {
        out.insert(frame.fqn.substr(0, dot));
      }
      out.insert(frame.fqn);
    }
  }
  return out;
}

/// Writes a program, part by part.
class ProgramWriter {
 public:
  ProgramWriter(
      const ir::Graph& graph,
      const Model& source,
      const ep::Details& details,
      OutputTree outputs)
      : graph_(graph),
        source_(source),
        details_(details),
        output_tree_(outputs),
        same_inputs_(has_source_inputs()),
        writer_(graph, details.expressions) {}

  void write(const std::filesystem::path& path, Sync sync) {
    add_states();
    add_inputs();
    writer_.add_nodes();
    add_outputs();
    const std::string document = document_json().dump();
    ZipWriter archive(path, top_folder(path));
    add_payloads(archive);
    archive.add(
        ep::kModels + std::string(ep::kWrittenModelName) + ".json", document);
    add_sample_inputs(archive);
    add_names(archive);
    archive.add("archive_format", std::string_view("pt2"));
    archive.add("archive_version", std::string_view("0"));
    archive.add("byteorder", std::string_view("little"));
    archive.add(".data/version", std::string_view("6\n"));
    archive.finish(sync);
  }

 private:
  static std::string top_folder(const std::filesystem::path& path) {
    const std::string stem = path.stem().string();
    return stem.empty() || stem == "." || stem == ".." ? "model" : stem;
  }

  bool has_source_inputs() const {
    return std::ranges::equal(
        graph_.inputs,
        source_.graph.inputs,
        [](const ir::Input& a, const ir::Input& b) {
          return a.name == b.name && a.keyword == b.keyword;
        });
  }

  const ir::Value& value_of(ir::ValueId id) const {
    return graph_.values.at(static_cast<size_t>(id));
  }

  void add_states() {
    using ir::StateKind;
    for (const StateKind kind :
         {StateKind::Parameter, StateKind::Buffer, StateKind::Constant}) {
      for (const ir::State& state : graph_.states) {
        if (state.kind == kind) {
          writer_.add_input(state.value);
          input_specs_.push_back(state_spec(state));
        }
      }
    }
  }

  Json state_spec(const ir::State& state) const {
    const Json arg = {{"name", value_of(state.value).name}};
    switch (state.kind) {
      case ir::StateKind::Parameter:
        return {{"parameter", {{"arg", arg}, {"parameter_name", state.fqn}}}};
      case ir::StateKind::Buffer:
        return {
            {"buffer",
             {{"arg", arg},
              {"buffer_name", state.fqn},
              {"persistent", state.persistent}}}};
      case ir::StateKind::Constant:
        return {
            {"tensor_constant",
             {{"arg", arg}, {"tensor_constant_name", state.fqn}}}};
    }
    check(false, "every kind of state has its spec");
    return {};
  }

  void add_user_input(const ir::Input& input) {
    writer_.add_input(input.value);
    input_specs_.push_back(
        {{"user_input", {{"arg", ep::value_json(value_of(input.value))}}}});
  }

  void add_inputs() {
    if (same_inputs_) {
      // Keep each constant that the export fixed at its position.
      size_t next = 0;
      for (const ep::UserInput& user : details_.user_inputs) {
        if (user.constant.is_null()) {
          add_user_input(graph_.inputs[next++]);
        } else {
          writer_.add_constant_input(user.constant);
          input_specs_.push_back(
              {{"constant_input",
                {{"name", user.placeholder}, {"value", user.constant}}}});
        }
      }
      in_spec_ = details_.in_spec;
      argument_names_ = details_.forward_arg_names;
      return;
    }
    std::set<std::string> taken;
    std::vector<std::string> positional;
    std::vector<std::string> keywords;
    for (const bool keyword : {false, true}) {
      for (const ir::Input& input : graph_.inputs) {
        if (input.keyword == keyword) {
          add_user_input(input);
          order_.push_back(input.name);
          (keyword ? keywords : positional)
              .push_back(identifier(input.name, taken));
        }
      }
    }
    in_spec_ = ep::arguments_spec(positional.size(), keywords);
    positional.insert(positional.end(), keywords.begin(), keywords.end());
    argument_names_ = positional;
  }

  void add_outputs() {
    for (const ir::Mutation& mutation : graph_.mutations) {
      writer_.add_output({ir::Ref{mutation.value}});
      output_specs_.push_back(
          {{"buffer_mutation",
            {{"arg", {{"name", value_of(mutation.value).name}}},
             {"buffer_name", mutation.fqn}}}});
    }
    for (const ir::Output& output : graph_.outputs) {
      writer_.add_output(output.value);
      const Json arg = ep::arg_json(output.value, graph_, {});
      output_specs_.push_back({{"user_output", {{"arg", arg}}}});
    }
    out_spec_ = output_tree_ == OutputTree::Source
                    ? details_.out_spec
                    : ep::tuple_spec(graph_.outputs.size());
  }

  Json document_json() {
    Json document = details_.program;
    Json& module = document["graph_module"];
    module["graph"] = writer_.release();
    module["signature"] = {
        {"input_specs", std::move(input_specs_)},
        {"output_specs", std::move(output_specs_)}};
    module["module_call_graph"] = module_calls();
    document["range_constraints"] = ranges();
    if (!is_whole()) {
      document["guards_code"] = Json::array();
    }
    return document;
  }

  bool is_whole() const {
    return same_inputs_ && output_tree_ == OutputTree::Source;
  }

  /// The root, the modules in which nodes ran, and those of their submodules in
  /// which no node of the source ran; in the source's order.
  Json module_calls() const {
    const auto used = called_modules(graph_);
    const auto used_in_source = called_modules(source_.graph);
    const auto belongs = [&](const std::string& fqn) {
      const std::string module = fqn.substr(0, fqn.find('@'));
      const size_t dot = module.rfind('.');
      return used.count(module) > 0 ||
             (used_in_source.count(module) == 0 &&
              (is_whole() || (dot != std::string::npos &&
                              used.count(module.substr(0, dot)) > 0)));
    };
    Json out = Json::array();
    out.push_back(
        {{"fqn", ""},
         {"signature",
          {{"inputs", Json::array()},
           {"outputs", Json::array()},
           {"in_spec", in_spec_},
           {"out_spec", out_spec_},
           {"forward_arg_names", argument_names_}}}});
    for (const std::string& fqn : details_.module_fqns) {
      if (!fqn.empty() && belongs(fqn)) {
        out.push_back({{"fqn", fqn}, {"signature", nullptr}});
      }
    }
    return out;
  }

  Json ranges() const {
    std::set<std::string> symbols;
    collect_symbols(graph_, symbols);
    auto all_ranges = graph_.ranges;
    all_ranges.insert(source_.graph.ranges.begin(), source_.graph.ranges.end());
    Json out = Json::object();
    for (const auto& [symbol, range] : all_ranges) {
      if (symbols.count(symbol) > 0) {
        out[symbol] = {
            {"min_val", range.min ? Json(*range.min) : Json()},
            {"max_val", range.max ? Json(*range.max) : Json()}};
      }
    }
    return out;
  }

  void add_payloads(ZipWriter& archive) const {
    ep::PayloadWriter payloads(archive, source_, details_.expressions);
    for (const ir::State& state : graph_.states) {
      payloads.add(state);
    }
    if (is_whole()) {
      for (const auto& [fqn, payload] : details_.unused_weights) {
        payloads.add_unused(fqn, payload);
      }
    }
    payloads.add_tables();
  }

  // Torch requires this record. An empty one means that there are no samples.
  void add_sample_inputs(ZipWriter& archive) const {
    const std::string name =
        ep::kSampleInputs + std::string(ep::kWrittenModelName) + ".pt";
    const ZipRecord* record = source_.archive->try_find(
        ep::kSampleInputs + details_.model_name + ".pt");
    if (is_whole() && record != nullptr) {
      archive.copy(name, *source_.archive, *record);
    } else {
      archive.add(name, std::string_view());
    }
  }

  void add_names(ZipWriter& archive) const {
    if (is_whole() && !source_.archive->has(ep::kNamesRecord)) {
      return;
    }
    Json names = {{"inputs", Json::array()}, {"outputs", Json::array()}};
    for (const ir::Input& input : graph_.inputs) {
      if (same_inputs_) {
        names["inputs"].push_back(input.name);
      }
    }
    for (const std::string& name : order_) {
      names["inputs"].push_back(name);
    }
    for (const ir::Output& output : graph_.outputs) {
      names["outputs"].push_back(output.name);
    }
    archive.add(ep::kNamesRecord, std::string_view(names.dump()));
  }

  const ir::Graph& graph_;
  const Model& source_;
  const ep::Details& details_;
  OutputTree output_tree_;
  bool same_inputs_;
  ep::GraphWriter writer_;
  Json input_specs_ = Json::array();
  Json output_specs_ = Json::array();
  std::string in_spec_;
  std::string out_spec_;
  Json argument_names_;
  std::vector<std::string>
      order_;  // names of the inputs, if not those of the source
};

}  // namespace

void write_exported_program(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    OutputTree outputs,
    Sync sync) {
  const auto* details = dynamic_cast<const ep::Details*>(source.details.get());
  check(details != nullptr, "a .pt2 stage comes from a .pt2 model");
  ProgramWriter(graph, source, *details, outputs).write(path, sync);
}

}  // namespace pp
