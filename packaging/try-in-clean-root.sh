#!/usr/bin/env bash
# Installs the .deb in a bare Debian 12 and unpacks the tarball in another, both without the sources, and runs the main job
# in each. Needs root, debootstrap and a Debian mirror; takes two minutes, most of them the mirror's.
#   packaging/try-in-clean-root.sh PACKAGES [ROOT]   (PACKAGES: build/…/packages; ROOT: kept and used again)
set -Eeuo pipefail
packages=$(cd -- "${1:?folder with the .deb and the tarball, as build/release/packages}" && pwd)
mirror=${MIRROR:-http://deb.debian.org/debian}
((EUID == 0)) || { echo "debootstrap and chroot need root" >&2; exit 3; }
command -v debootstrap >/dev/null || { echo "apt-get install debootstrap" >&2; exit 3; }
shopt -s nullglob
debs=("$packages"/*.deb) tarballs=("$packages"/lab-*.tar.gz)
if ((${#debs[@]} != 1 || ${#tarballs[@]} != 1)); then
  echo "expected one .deb and one lab-*.tar.gz in $packages; build the targets deb and tarball" >&2
  exit 2
fi

scratch=$(mktemp -d)
base=${2:-$scratch/base}
leave() {
  local mounted
  for mounted in "$scratch"/*/proc; do umount "$mounted" 2>/dev/null || true; done
  rm -rf -- "$scratch"
}
trap leave EXIT
trap 'echo "failed in line $LINENO" >&2' ERR

[[ -e $base/etc/debian_version ]] || debootstrap --variant=minbase bookworm "$base" "$mirror" >"$scratch/log" 2>&1 ||
  { tail -n 5 "$scratch/log" >&2; exit 3; }

clean_root() {  # NAME
  cp -a --reflink=auto "$base" "$scratch/$1"
  mount -t proc proc "$scratch/$1/proc"
  cp /etc/resolv.conf "$scratch/$1/etc/resolv.conf"
}
within() {  # NAME COMMAND…
  chroot "$scratch/$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${@:2}"
}
expect_result() {  # NAME PROGRAM: the main job, and the same as JSON
  within "$1" "$2" run blocking-async --quick | tee "$scratch/out"
  grep -q '^blocking-loop .* 1\.0' "$scratch/out"
  within "$1" "$2" run blocking-async --quick --no-save --quiet --format json | grep '"lab.run/1"' >/dev/null
  within "$1" sh -c 'test -d ~/.local/share/lab/runs'
}

echo "== .deb in a bare Debian 12"
clean_root deb
cp "${debs[0]}" "$scratch/deb/tmp/lab.deb"
within deb apt-get update -qq
within deb apt-get install -y -qq --no-install-recommends /tmp/lab.deb >/dev/null
within deb lab --version
expect_result deb lab
within deb apt-get remove -y -qq concurrency-lab >/dev/null
if within deb test -e /usr/bin/lab -o -e /usr/share/lab; then echo "something was left behind" >&2; exit 1; fi

echo "== tarball in a bare Debian 12, as a user without root"
clean_root tarball
within tarball useradd --create-home student
tar -C "$scratch/tarball/home/student" -xzf "${tarballs[0]}"
folder=/home/student/$(basename "${tarballs[0]}" .tar.gz)
within tarball "$folder/bin/lab" --version
expect_result tarball "$folder/bin/lab"
within tarball su student -c "$folder/bin/lab run blocking-async --quick --no-save --quiet" >/dev/null
echo "both work"
