#include <algorithm>
#include <charconv>
#include <map>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/text.h"
#include "loader/ir/text_words.h"
#include "loader/ir/walk.h"

namespace pp::ir {

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string word(std::string_view name) {
  return text::is_bare(name) ? std::string(name) : quoted(name);
}

std::string dim_text(const Dim& dim) {
  const std::string value = std::to_string(dim.value);
  return dim.is_fixed() ? value : word(dim.expr) + "=" + value;
}

std::string dims_text(const std::vector<Dim>& dims) {
  std::vector<std::string> parts;
  std::ranges::transform(dims, std::back_inserter(parts), dim_text);
  return join(parts);
}

// The shortest text that parses back to the same double, not to an integer.
std::string double_text(double value) {
  std::array<char, 40> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string out(buffer.data(), end);
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

std::string tensor_text(const TensorMeta& meta) {
  std::string out = name_of(meta.dtype) + "[" + dims_text(meta.sizes) + "]";
  if (meta.strides != text::contiguous_strides(meta.sizes)) {
    out += " strides(" + dims_text(meta.strides) + ")";
  }
  if (meta.storage_offset != Dim{}) {
    out += " offset(" + dim_text(meta.storage_offset) + ")";
  }
  if (meta.device != Device{}) {
    out += " device(" + text::device_text(meta.device) + ")";
  }
  if (meta.layout != Layout::Strided) {
    out += " layout(" + text::word_of(text::kLayouts, meta.layout) + ")";
  }
  return meta.requires_grad ? out + " grad" : out;
}

std::string type_text(const Type& type) {
  const bool list = type.kind == TypeKind::List;
  if (!list && type.kind != TypeKind::Tuple) {
    return text::word_of(text::kPlainTypes, type.kind);
  }
  std::vector<std::string> parts;
  std::ranges::transform(type.elements, std::back_inserter(parts), type_text);
  return (list ? "list[" : "tuple[") + join(parts) + "]";
}

class Printer {
 public:
  Printer(const Graph& graph, std::string indent)
      : graph_(graph), indent_(std::move(indent)) {}

  std::string run() {
    print_ranges_and_modules();
    for (const Input& input : graph_.inputs) {
      const std::string shown = value_of(input.value).name == input.name
                                    ? ""
                                    : word(input.name) + " = ";
      line(
          "input " + shown + definition(input.value) +
          (input.keyword ? " keyword" : ""));
    }
    for (const State& state : graph_.states) {
      line(state_text(state));
    }
    for (const Node& node : graph_.nodes) {
      line(node_text(node));
    }
    for (const Output& output : graph_.outputs) {
      line("output " + word(output.name) + " = " + arg_text(output.value));
    }
    for (const Mutation& mutation : graph_.mutations) {
      line("mutate " + word(mutation.fqn) + " = " + ref_text(mutation.value));
    }
    return out_;
  }

 private:
  void line(const std::string& content) { out_ += indent_ + content + "\n"; }

  const Value& value_of(ValueId id) const {
    return graph_.values.at(static_cast<size_t>(id));
  }

  std::string ref_text(ValueId id) const {
    return "%" + word(value_of(id).name);
  }

  std::string definition(ValueId id) const {
    const Value& value = value_of(id);
    std::string out = ref_text(id) + ": ";
    if (value.type.kind == TypeKind::Tensor && value.tensor &&
        value.tensor->known) {
      return out + tensor_text(*value.tensor);
    }
    out += type_text(value.type);
    return value.scalar ? out + "(" + dim_text(*value.scalar) + ")" : out;
  }

  void print_ranges_and_modules() {
    for (const auto& [symbol, range] : graph_.ranges) {
      line(
          "range " + word(symbol) + " = " +
          (range.min ? std::to_string(*range.min) : "") + ".." +
          (range.max ? std::to_string(*range.max) : ""));
    }
    for (const std::string& guard : graph_.guards) {
      line("guard " + word(guard));
    }
    for (const Node& node : graph_.nodes) {
      for (const ModuleFrame& frame : node.modules) {
        const bool described = !frame.key.empty() || !frame.type.empty();
        if (!modules_.try_emplace(frame.fqn, frame).second || !described) {
          continue;
        }
        line(
            "module " + word(frame.fqn) + " key(" + word(frame.key) +
            ") type(" + word(frame.type) + ")");
      }
    }
  }

  std::string state_text(const State& state) const {
    std::string out = text::word_of(text::kStateKinds, state.kind) + " " +
                      word(state.fqn) + " = " + definition(state.value);
    if (!state.persistent) {
      out += " transient";
    }
    if (!state.aliases.empty()) {
      std::vector<std::string> parts;
      std::ranges::transform(state.aliases, std::back_inserter(parts), word);
      out += " alias(" + join(parts) + ")";
    }
    if (!state.memory.empty()) {
      out += " memory(" + word(state.memory) + ")";
    }
    return out;
  }

  std::string result_text(const NodeOutput& output) const {
    std::vector<std::string> parts;
    for (const ValueId id : output.ids) {
      parts.push_back(id == kNoValue ? "_" : definition(id));
    }
    return output.is_list ? "[" + join(parts) + "]" : join(parts);
  }

  std::string node_text(const Node& node) const {
    std::vector<std::string> results;
    for (const NodeOutput& output : node.outputs) {
      results.push_back(result_text(output));
    }
    std::string out = join(results);
    if (!results.empty()) {
      out += " = ";
    }
    out += word(node.target) + "(" + arguments_text(node) + ")";
    return out + modules_text(node.modules) + flags_text(node);
  }

  std::string arguments_text(const Node& node) const {
    std::vector<std::string> parts;
    bool keyword = false;
    for (const NamedArg& input : node.inputs) {
      if (input.keyword != keyword) {
        keyword = input.keyword;
        parts.emplace_back("*");
      }
      parts.push_back(
          (input.name.empty() ? "" : word(input.name) + "=") +
          arg_text(input.arg));
    }
    return join(parts);
  }

  std::string modules_text(const std::vector<ModuleFrame>& frames) const {
    if (frames.empty()) {
      return {};
    }
    std::vector<std::string> parts;
    for (const ModuleFrame& frame : frames) {
      const bool listed = modules_.at(frame.fqn) == frame;
      if (frame.fqn.empty() && listed && parts.empty()) {
        if (frames.size() == 1) {
          return " @ /";
        }
        parts.emplace_back();  // the implied root
        continue;
      }
      if (parts.empty()) {
        parts.emplace_back("~");
      }
      parts.push_back(
          word(frame.fqn) +
          (listed ? ""
                  : "{" + quoted(frame.key) + ", " + quoted(frame.type) + "}"));
    }
    if (parts.front().empty()) {
      parts.erase(parts.begin());
    }
    return " @ " + join(parts, " / ");
  }

  std::string flags_text(const Node& node) const {
    std::string out = node.grad_enabled ? "" : " !nograd";
    if (node.autocast) {
      const Autocast& cast = *node.autocast;
      out += " !autocast(" + word(cast.device_type) + ", " +
             name_of(cast.dtype) + ", " + (cast.enabled ? "true" : "false") +
             ", " + (cast.cache_enabled ? "true" : "false") + ")";
    }
    if (node.effects.random) {
      out += " !random";
    }
    std::vector<std::string> parts;
    for (const ValueId id : node.effects.writes) {
      parts.push_back(ref_text(id));
    }
    if (!parts.empty()) {
      out += " !writes(" + join(parts) + ")";
    }
    parts.clear();
    for (const auto& [result, argument] : node.effects.aliases) {
      parts.push_back(ref_text(result) + " = " + ref_text(argument));
    }
    if (!parts.empty()) {
      out += " !aliases(" + join(parts) + ")";
    }
    const auto defines = defines_of(node);
    const std::string default_name =
        defines.empty() ? "" : value_of(defines.front()).name;
    return node.name == default_name ? out
                                     : out + " !name(" + word(node.name) + ")";
  }

  std::string list_text(const List& list) const {
    std::vector<std::string> parts;
    for (const Arg& item : list.items) {
      parts.push_back(arg_text(item));
    }
    return text::word_of(text::kListKinds, list.kind) + "[" + join(parts) + "]";
  }

  // One overload for each kind of argument.
  std::string show(None) const { return "none"; }
  std::string show(Ref ref) const { return ref_text(ref.id); }
  std::string show(bool value) const { return value ? "true" : "false"; }
  std::string show(int64_t value) const { return std::to_string(value); }
  std::string show(double value) const { return double_text(value); }
  std::string show(const std::string& value) const { return quoted(value); }
  std::string show(const Complex& value) const {
    return "complex(" + double_text(value.real) + ", " +
           double_text(value.imag) + ")";
  }
  std::string show(ScalarType value) const { return name_of(value); }
  std::string show(MemoryFormat value) const {
    return "memory_format(" + text::word_of(text::kMemoryFormats, value) + ")";
  }
  std::string show(Layout value) const {
    return "layout(" + text::word_of(text::kLayouts, value) + ")";
  }
  std::string show(const Device& value) const {
    return "device(" + text::device_text(value) + ")";
  }
  std::string show(const OperatorName& value) const {
    return "op(" + quoted(value.name) + ")";
  }
  std::string show(const List& value) const { return list_text(value); }
  std::string show(const SubGraph& value) const {
    return "graph " + quoted(value.name) + " {\n" +
           Printer(*value.graph, indent_ + "  ").run() + indent_ + "}";
  }

  std::string arg_text(const Arg& arg) const {
    return std::visit([&](const auto& held) { return show(held); }, arg.value);
  }

  const Graph& graph_;
  std::string indent_;
  std::string out_;
  std::map<std::string, ModuleFrame>
      modules_;  // by FQN: the frames that `module` lines list
};

}  // namespace

std::string to_text(const Graph& graph) {
  return Printer(graph, "").run();
}

}  // namespace pp::ir
