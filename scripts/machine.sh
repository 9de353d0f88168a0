# What the small virtual machines of the tests have in common: sourced by test-camera and test-kiosk. Nothing is
# installed: Debian's kernel is kept unpacked in the cache.
cache="${MACHINE_CACHE:-$HOME/.cache/stempel/camera-machine}"

# Says what is missing, and ends. Words are PROGRAM:PACKAGE.
need() {
  local missing=() tool
  for tool in "$@"; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
  done
  if [ "${#missing[@]}" -gt 0 ]; then
    echo "This test needs: apt-get install ${missing[*]}" >&2
    exit 1
  fi
}

# Unpacks Debian's kernel, and further packages of the same version whose names begin like those that are given.
fetch_kernel() {
  local image name package
  echo "Fetching Debian's kernel (85 MB, once)"
  rm -rf "$cache"
  mkdir -p "$cache/packages" "$cache/root"
  image=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -1)
  kernel=${image#linux-image-}
  (
    cd "$cache/packages"
    apt-get download -q "$image" "${@//KERNEL/$kernel}"
    for package in *.deb; do dpkg-deb -x "$package" "$cache/root"; done
  )
  rm -rf "$cache/packages"
  echo "$kernel" >"$cache/kernel"
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
