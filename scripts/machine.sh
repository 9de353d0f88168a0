# What the small virtual machines of the tests have in common: sourced by test-camera and test-kiosk. Debian's kernel is not
# installed: it is kept unpacked in the cache.
scripts/setup machine
cache="${MACHINE_CACHE:-$HOME/.cache/stempel/camera-machine}"

# Sets $kernel to the name of the kernel in the cache. Unpacks Debian's there, with the packages that are given, if they are
# not there yet; KERNEL and BASE in their names stand for the kernel's (6.1.0-50-amd64) and that without the machine's.
take_kernel() {
  local image name package there="$cache/packages"
  # The first line is the kernel's name, each further one a package that was unpacked beside it.
  if [ -f "$there" ]; then
    kernel=$(head -1 "$there")
    local missing=0
    for package in "$@"; do grep -qxF "$package" "$there" || missing=1; done
    if [ "$missing" -eq 0 ]; then return; fi
  fi
  image=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -1)
  if [ -z "$image" ]; then
    echo "No kernel is known here: run apt-get update first." >&2
    exit 1
  fi
  kernel=${image#linux-image-}
  echo "Fetching Debian's kernel (85 MB, once)"
  # All of it anew: a kernel of last month and headers of today would not fit.
  rm -rf "$cache"
  mkdir -p "$cache/fetched" "$cache/root"
  (
    cd "$cache/fetched"
    for package in "$image" "$@"; do
      name=${package//KERNEL/$kernel}
      apt-get download -q "${name//BASE/${kernel%-*}}"
    done
    for package in *.deb; do dpkg-deb -x "$package" "$cache/root"; done
  )
  rm -rf "$cache/fetched"
  printf '%s\n' "$kernel" "$@" >"$there"
}

# Begins the machine's first file system, in $machine: busybox, and places to mount.
begin_machine() {
  machine=$(mktemp -d)
  trap 'rm -rf "$machine" "$machine".*' EXIT
  mkdir -p "$machine"/{bin,modules,proc,sys,dev,tmp}
  cp "$(command -v busybox)" "$machine/bin/busybox"
  order=()
}

# Takes a kernel's module along, behind those that it needs; `order` is the order of loading.
take() {
  local file name
  case " ${order[*]} " in *" $1 "*) return ;; esac
  file=$(find "$cache/root/lib/modules/$kernel" -name "$1.ko" -o -name "${1//_/-}.ko" | head -1)
  for name in $(/sbin/modinfo -F depends "$file" | tr ',' ' '); do take "$name"; done
  cp "$file" "$machine/modules/$1.ko"
  order+=("$1")
}

# Writes what the machine does first, from the standard input, and packs everything into $machine.img.
end_machine() {
  {
    cat <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
export PATH=/bin
while read -r name; do /bin/busybox insmod "/modules/$name.ko"; done </modules/order
INIT
    cat
  } >"$machine/init"
  chmod +x "$machine/init"
  (cd "$machine" && find . -mindepth 1 | cpio -o -H newc --quiet) | gzip -1 >"$machine.img"
}
