# Models that try to do more than compute. Every command refuses them when it
# reads the file: exit code 3, one line that names the operator, and the file that
# they would have made isn't there.
source "$(dirname "$0")/lib.sh"

"$PYTHON" -W ignore "$SOURCE/tests/cli/hostile.py" "$work" 2>/dev/null ||
  fail "hostile.py"
mlp_job job.toml

# refused_by_all FILE TEXT...
refused_by_all() {
  local file="$1"
  shift
  refused 3 "$file" "$@" -- "$PP" inspect "$file"
  refused 3 "$file" "$@" -- "$PP" split "$file" -o stages --stages 2 \
    --balance time
  refused 3 "$file" "$@" -- "$PP" verify "$file" --stages 2
  refused 3 "$file" "$@" -- "$PP" run job.toml --set model.path="$work/$file"
  refused 3 "$file" "$@" -- "$PP" run job.toml --set model.path="$work/$file" \
    --dry-run
  expect_no_file trap stages runs
}

refused_by_all file.pt2 "models/model.json" "'full'" "aten::from_file" \
  "it reads or writes files" "--allow-operator aten::from_file"
refused_by_all file_in_a_branch.pt2 "aten::from_file"
refused_by_all alias.pt2 "aten::_reshape_alias" "which memory a tensor uses"
refused_by_all file.pt "aten::from_file" "__torch__.py, line"
refused_by_all folded.pt "aten::save" "it reads or writes files"
refused_by_all set_state.pt "__setstate__" "--trust-script"
# LibTorch ignores the case of names when it looks for a record.
refused_by_all upper_case.pt "__setstate__" "--trust-script"

# The runtime relies on how many operands and results a node has.
refused_by_all many_results.pt2 "models/model.json" "'relu'" \
  "it has 21 results, but the operator returns 1"
refused_by_all many_outputs.pt2 "higher_order.while_loop" \
  "one of its graphs has 20 outputs, but must have 2"
refused_by_all no_operands.pt2 "'full' calls '_operator.add'" \
  "it has 0 operands, but needs 2"
refused_by_all script.pt2 "'full' (prim::If)" "is a TorchScript operator"

# The kernel would read the statistics of 4096 channels.
expect_ok "$PP" inspect one_channel.pt2
refused 4 "_native_batch_norm_legit_no_training" "was not called" \
  "'running_mean' has 1 element, but 'input' has 4096 channels" -- \
  "$PP" verify one_channel.pt2 --stages 2

# The user can allow them; pp then reports which operators were allowed.
expect_ok "$PP" inspect file.pt2 --allow-operator aten::from_file
expect_text out "calls aten::from_file, which --allow-operator allows"
expect_no_file trap
expect_ok "$PP" verify file.pt2 --stages 2 --allow-operator aten::from_file
[[ -e trap ]] || fail "from_file was allowed but made no file"
refused 2 "'from_file' is not an operator's name" -- \
  "$PP" inspect file.pt2 --allow-operator from_file

# A job file has the same keys.
sed -e "s|$FIXTURES/mlp-plain.pt2|$work/file.pt2|" -e '/^at = /d' job.toml >own.toml
expect_exit 3 "$PP" run own.toml --dry-run
expect_text err "aten::from_file"
printf '\n[security]\nallow = ["aten::from_file"]\n' >>own.toml
run "$PP" run own.toml --dry-run
expect_no_text err "aten::from_file"
