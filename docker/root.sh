#!/bin/sh
# Lays out what our images have below the programs: a C library, a shell with a few tools, certificates, time zones. All
# of it comes from packages of Debian.
#
#   docker/root.sh ARCHITECTURE FOLDER    amd64 or arm64; the packages that were taken are listed in FOLDER.packages
set -eu
# What is laid out is the same whoever does it: order and modes are not of their shell.
export LC_ALL=C
umask 022
architecture=$1 out=$2
case $architecture in
  amd64) triple=x86_64-linux-gnu loader=lib64/ld-linux-x86-64.so.2 ;;
  arm64) triple=aarch64-linux-gnu loader=lib/ld-linux-aarch64.so.1 ;;
  *) echo "root.sh: unknown architecture $architecture: expected amd64 or arm64" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A state of its own: the machine may be of another architecture, and what it has installed does not matter.
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/tree"
: >"$work/status"
apt() {
  apt-get -q -q -o APT::Architecture="$architecture" -o APT::Architectures::="$architecture" \
    -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}
apt update >&2
(cd "$work" && apt download libc6 libgcc-s1 busybox-static ca-certificates tzdata base-files >&2)

mkdir -p "$out/var/lib/dpkg/status.d"
: >"$out.packages"
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$work/tree"
  name=$(dpkg-deb -f "$package" Package)
  # Where scanners look for the packages of an image that has no dpkg.
  dpkg-deb -f "$package" >"$out/var/lib/dpkg/status.d/$name"
  echo "$name $(dpkg-deb -f "$package" Version) $(dpkg-deb -f "$package" Architecture)" >>"$out.packages"
done
sort -o "$out.packages" "$out.packages"

tree=$work/tree
mkdir -p "$out/lib/$triple" "$out/bin" "$out/etc/ssl/certs" "$out/usr/share" "$out/usr/lib" "$out/${loader%/*}"
for library in libc.so.6 libm.so.6 libdl.so.2 librt.so.1 libpthread.so.0 libresolv.so.2 libgcc_s.so.1; do
  found=$(find "$tree/lib" "$tree/usr/lib" -name "$library" | head -n 1)
  cp -L "$found" "$out/lib/$triple/$library"
done
cp -L "$(find "$tree/lib/$triple" "$tree/usr/lib/$triple" -name "${loader##*/}" 2>/dev/null | head -n 1)" "$out/$loader"
cp "$(find "$tree" -type f -path '*bin/busybox' | head -n 1)" "$out/bin/busybox"
for tool in sh cat chroot ls sleep tee; do ln -s busybox "$out/bin/$tool"; done
cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$out/etc/ssl/certs/ca-certificates.crt"
cp -R "$tree/usr/share/zoneinfo" "$out/usr/share/zoneinfo"
rm -rf "$out/usr/share/zoneinfo/right" "$out/usr/share/zoneinfo/posix"
cp "$tree/usr/lib/os-release" "$out/usr/lib/os-release"
ln -s ../usr/lib/os-release "$out/etc/os-release"
printf 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/sh\n' >"$out/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$out/etc/group"
printf 'hosts: files dns\n' >"$out/etc/nsswitch.conf"
