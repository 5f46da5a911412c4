#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/ir/text.h"
#include "loader/ir/text_cursor.h"
#include "loader/ir/text_types.h"
#include "loader/ir/text_words.h"
#include "loader/ir/walk.h"

namespace pp::ir {

namespace {

using text::Cursor;

// Bounds recursion. The graphs and lists of real models nest a few levels.
constexpr int kMaxDepth = 100;

class TextParser {
 public:
  /// depth  number of arguments that enclose this graph
  explicit TextParser(Cursor& cursor, int depth = 0)
      : cursor_(cursor), depth_(depth) {}

  /// Parses statements up to the end of the text or a closing brace.
  Graph run() {
    while (!cursor_.at_end() && cursor_.peek() != '}') {
      statement();
    }
    return std::move(graph_);
  }

 private:
  void statement() {
    if (cursor_.word_before('(') || cursor_.peek() == '"') {
      node({});  // an operator without results
    } else if (cursor_.accept_word("range")) {
      range();
    } else if (cursor_.accept_word("guard")) {
      graph_.guards.push_back(cursor_.name());
    } else if (cursor_.accept_word("module")) {
      module();
    } else if (cursor_.accept_word("input")) {
      input();
    } else if (cursor_.accept_word("output")) {
      std::string name = cursor_.name();
      cursor_.expect('=');
      graph_.outputs.push_back({std::move(name), arg()});
    } else if (cursor_.accept_word("mutate")) {
      std::string fqn = cursor_.name();
      cursor_.expect('=');
      graph_.mutations.push_back({std::move(fqn), ref()});
    } else if (
        const auto* kind =
            text::try_value_of(text::kStateKinds, cursor_.peek_word())) {
      cursor_.name();
      state(*kind);
    } else {
      node(results());
    }
  }

  void range() {
    const std::string symbol = cursor_.name();
    cursor_.expect('=');
    const Cursor start = cursor_;
    const std::string bounds = cursor_.number();
    const size_t dots = bounds.find("..");
    if (dots == std::string::npos) {
      start.fail("expected MIN..MAX");
    }
    const auto bound =
        [&](const std::string& digits) -> std::optional<int64_t> {
      return digits.empty() ? std::nullopt
                            : std::optional(text::to_integer(digits, start));
    };
    graph_.ranges[symbol] = {
        bound(bounds.substr(0, dots)), bound(bounds.substr(dots + 2))};
  }

  void module() {
    ModuleFrame frame{.key = {}, .fqn = cursor_.name(), .type = {}};
    while (true) {
      if (cursor_.accept_word("key")) {
        frame.key = text::in_parentheses(cursor_);
      } else if (cursor_.accept_word("type")) {
        frame.type = text::in_parentheses(cursor_);
      } else {
        modules_[frame.fqn] = frame;
        return;
      }
    }
  }

  void input() {
    std::string name;
    if (cursor_.peek() != '%') {
      name = cursor_.name();
      cursor_.expect('=');
    }
    const ValueId value = definition();
    if (name.empty()) {
      name = graph_.values.back().name;
    }
    graph_.inputs.push_back(
        {std::move(name), value, cursor_.accept_word("keyword")});
  }

  void state(StateKind kind) {
    State state;
    state.fqn = cursor_.name();
    state.kind = kind;
    cursor_.expect('=');
    state.value = definition();
    state.persistent = !cursor_.accept_word("transient");
    if (cursor_.accept_word("alias")) {
      text::list(
          cursor_, '(', ')', [&] { state.aliases.push_back(cursor_.name()); });
    }
    if (cursor_.accept_word("memory")) {
      state.memory = text::in_parentheses(cursor_);
    }
    graph_.states.push_back(std::move(state));
  }

  ValueId ref() {
    const Cursor start = cursor_;
    cursor_.expect('%');
    const std::string name = cursor_.name();
    const auto found = names_.find(name);
    if (found == names_.end()) {
      start.fail("no value '%" + name + "' is defined before this");
    }
    return found->second;
  }

  ValueId definition() {
    const Cursor start = cursor_;
    cursor_.expect('%');
    Value value;
    value.name = cursor_.name();
    cursor_.expect(':');
    text::read_type(cursor_, value);
    if (!names_.emplace(value.name, graph_.values.size()).second) {
      start.fail("'%" + value.name + "' is defined twice");
    }
    return add_value(graph_, std::move(value));
  }

  std::vector<NodeOutput> results() {
    std::vector<NodeOutput> out;
    const auto read_result = [&](NodeOutput& output) {
      output.ids.push_back(cursor_.accept_word("_") ? kNoValue : definition());
    };
    do {
      NodeOutput output;
      output.is_list = cursor_.peek() == '[';
      if (output.is_list) {
        text::list(cursor_, '[', ']', [&] { read_result(output); });
      } else {
        read_result(output);
      }
      out.push_back(std::move(output));
    } while (cursor_.accept(','));
    cursor_.expect('=');
    return out;
  }

  void node(std::vector<NodeOutput> outputs) {
    Node node;
    node.target = cursor_.name();
    node.outputs = std::move(outputs);
    bool keyword = false;
    text::list(cursor_, '(', ')', [&] {
      if (cursor_.accept('*')) {
        keyword = !keyword;
        return;
      }
      NamedArg input{.name = {}, .arg = {}, .keyword = keyword};
      if (cursor_.word_before('=')) {
        input.name = cursor_.name();
        cursor_.expect('=');
      }
      input.arg = arg();
      node.inputs.push_back(std::move(input));
    });
    if (cursor_.accept('@')) {
      frames(node);
    }
    if (const auto defines = defines_of(node); !defines.empty()) {
      node.name = graph_.values[static_cast<size_t>(defines.front())].name;
    }
    while (cursor_.accept('!')) {
      flag(node);
    }
    graph_.nodes.push_back(std::move(node));
  }

  ModuleFrame frame(const std::string& fqn) const {
    const auto found = modules_.find(fqn);
    return found == modules_.end() ? ModuleFrame{{}, fqn, {}} : found->second;
  }

  void frames(Node& node) {
    if (cursor_.accept('/')) {
      node.modules.push_back(frame(""));
      return;
    }
    if (cursor_.accept('~')) {
      cursor_.expect('/');
    } else {
      node.modules.push_back(frame(""));
    }
    do {
      ModuleFrame next = frame(cursor_.name());
      if (cursor_.accept('{')) {
        next.key = cursor_.quoted();
        cursor_.expect(',');
        next.type = cursor_.quoted();
        cursor_.expect('}');
      }
      node.modules.push_back(std::move(next));
    } while (cursor_.accept('/'));
  }

  void flag(Node& node) {
    const Cursor start = cursor_;
    const std::string word = cursor_.name();
    if (word == "nograd") {
      node.grad_enabled = false;
    } else if (word == "random") {
      node.effects.random = true;
    } else if (word == "name") {
      node.name = text::in_parentheses(cursor_);
    } else if (word == "writes") {
      text::list(
          cursor_, '(', ')', [&] { node.effects.writes.push_back(ref()); });
    } else if (word == "aliases") {
      text::list(cursor_, '(', ')', [&] {
        const ValueId result = ref();
        cursor_.expect('=');
        node.effects.aliases.emplace_back(result, ref());
      });
    } else if (word == "autocast") {
      node.autocast = text::autocast(cursor_);
    } else {
      start.fail("unknown flag '!" + word + "'");
    }
  }

  Arg arg() {
    if (++depth_ > kMaxDepth) {
      cursor_.fail(
          "arguments are nested deeper than " + std::to_string(kMaxDepth));
    }
    Arg out = one_arg();
    --depth_;
    return out;
  }

  Arg one_arg() {
    const char next = cursor_.peek();
    if (next == '%') {
      return {Ref{ref()}};
    }
    if (next == '"') {
      return {cursor_.quoted()};
    }
    if (cursor_.accept_word("graph")) {
      SubGraph sub{.name = cursor_.name(), .graph = {}};
      cursor_.expect('{');
      sub.graph =
          std::make_shared<const Graph>(TextParser(cursor_, depth_).run());
      cursor_.expect('}');
      return {std::move(sub)};
    }
    if (cursor_.word_before('[')) {
      return {list_arg()};
    }
    if (cursor_.word_before('(')) {
      return call_arg();
    }
    return word_arg();
  }

  List list_arg() {
    const Cursor start = cursor_;
    const auto* kind = text::try_value_of(text::kListKinds, cursor_.name());
    if (kind == nullptr) {
      start.fail("expected the type of a list, such as tensors[...]");
    }
    List out{.kind = *kind, .items = {}};
    text::list(cursor_, '[', ']', [&] { out.items.push_back(arg()); });
    return out;
  }

  Arg call_arg() {
    const Cursor start = cursor_;
    const std::string word = cursor_.name();
    if (word == "device") {
      return {text::device(cursor_)};
    }
    if (word == "layout") {
      return {text::enumerator(cursor_, text::kLayouts)};
    }
    if (word == "memory_format") {
      return {text::enumerator(cursor_, text::kMemoryFormats)};
    }
    if (word == "op") {
      return {OperatorName{text::in_parentheses(cursor_)}};
    }
    if (word == "complex") {
      cursor_.expect('(');
      Complex out{.real = text::to_real(cursor_, cursor_.number()), .imag = 0};
      cursor_.expect(',');
      out.imag = text::to_real(cursor_, cursor_.number());
      cursor_.expect(')');
      return {out};
    }
    start.fail("expected a value, found '" + word + "('");
  }

  Arg word_arg() {
    if (cursor_.accept_word("none")) {
      return {None{}};
    }
    if (const auto word = cursor_.peek_word();
        word == "true" || word == "false") {
      return {text::boolean(cursor_)};
    }
    if (const auto dtype = text::try_scalar_type(cursor_.peek_word())) {
      cursor_.name();
      return {*dtype};
    }
    const Cursor start = cursor_;
    const std::string digits = cursor_.number();
    // The "n" matches "-inf" and "nan".
    return digits.find_first_of(".en") == std::string::npos
               ? Arg{text::to_integer(digits, start)}
               : Arg{text::to_real(cursor_, digits)};
  }

  Cursor& cursor_;
  int depth_;
  Graph graph_;
  std::map<std::string, ValueId> names_;
  std::map<std::string, ModuleFrame> modules_;
};

}  // namespace

Graph parse_text(std::string_view text) {
  Cursor cursor(text);
  Graph graph = TextParser(cursor).run();
  if (!cursor.at_end()) {
    cursor.fail("expected a statement");
  }
  return graph;
}

}  // namespace pp::ir
