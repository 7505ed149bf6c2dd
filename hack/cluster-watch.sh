# shellcheck shell=bash
# What hack/cluster-dns and hack/cluster-volumes share: they follow kinds of the API, by $kubectl and $kubeconfig.

api() { "$kubectl" --kubeconfig "$kubeconfig" "$@"; }

# changes KIND...: a line for each change; ends when one of the watches does.
changes() {
  local kind watches=()
  for kind in "$@"; do
    api get "$kind" --all-namespaces --watch -o name 2>/dev/null &
    watches+=($!)
  done
  wait -n "${watches[@]}" || true
  kill "${watches[@]}" 2>/dev/null || true
}

# follow COMMAND KIND...: runs COMMAND after each change, or several that come together, for ever.
follow() {
  local command=$1
  shift
  while :; do
    while read -r _; do
      while read -r -t 0.1 _; do :; done
      "$command"
    done < <(changes "$@")
    sleep 0.5
  done
}

# All that we started is in our process group.
trap 'trap "" TERM; kill 0; exit 143' TERM INT
