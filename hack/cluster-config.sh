# shellcheck shell=bash
# The configuration of hack/cluster's node: what it writes below $config. It expects that script's settings.

node_name=node-1

write_configuration() {
  write_containerd >"$config/containerd.toml"
  write_kubelet >"$config/kubelet.yaml"
  mkdir -p "$config/cni"
  write_network >"$config/cni/10-pods.conflist"
  printf 'nameserver %s\n' "$node_address" >"$config/resolv.conf"
  (
    umask 077
    [ -f "$config/kubelet.kubeconfig" ] || "$hack_dir/kube" kubeconfig --dir "$kube" \
      --user "system:node:$node_name" --group system:nodes >"$config/kubelet.kubeconfig"
    [ -f "$config/proxy.kubeconfig" ] || "$hack_dir/kube" kubeconfig --dir "$kube" \
      --user system:kube-proxy >"$config/proxy.kubeconfig"
  )
  write_storage_class | "$kubectl" --kubeconfig "$kube/kubeconfig" apply -f - >/dev/null
}

# restrict_oom_score_adj: lowering it is not permitted in every container or virtual machine.
write_containerd() {
  cat <<END
version = 2
root = "$dir/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/tidemark-pause:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$config/cni"
END
}

# Control groups by the pod are off, as they need a place in the machine's tree that the kubelet may manage.
# Nothing is evicted, and no image collected: the machine's disk is not the cluster's.
write_kubelet() {
  cat <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_address
port: 10250
readOnlyPort: 0
healthzBindAddress: 127.0.0.1
healthzPort: 10248
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: $tls/ca.crt}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$node_address]
resolvConf: $config/resolv.conf
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 10Mi, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
nodeStatusUpdateFrequency: 5s
syncFrequency: 10s
volumePluginDir: $dir/kubelet-plugins
END
}

# Each pod is routed by itself: on a bridge, answers from one pod to another would pass by kube-proxy's translation
# unless the kernel has br_netfilter.
write_network() {
  cat <<END
{
  "cniVersion": "0.3.1",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "mtu": 1500,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": "$pods"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
END
}

write_storage_class() {
  cat <<END
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: tidemark.dev/local
reclaimPolicy: Delete
volumeBindingMode: Immediate
END
}
