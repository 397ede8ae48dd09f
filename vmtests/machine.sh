# For what boots Debian's kernels in QEMU, to be sourced. Needs: $cache, a folder that stays; $work, one that does
# not; say, which prints to stderr.
package=linux-image-cloud-amd64

known_versions() { apt-cache madison $package | awk '{ print $3 }'; }

# The package that the metapackage of that version stands for.
image_of() { # version
  apt-cache show "$package=$1" | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p'
}

# Prints the path of a kernel of the series, downloaded unless it is there.
fetch_kernel() { # series
  local version image folder
  version=$(known_versions | grep -F -- "$1." | grep "^${1//./\\.}\." | sort -V | tail -n 1)
  [ -n "$version" ] || { say "apt knows no kernel $1 (see --list)"; return 1; }
  image=$(image_of "$version")
  folder=$cache/${image}_$version
  if [ ! -e "$folder/vmlinuz" ]; then
    say "downloading $image $version"
    mkdir -p "$work/kernel"
    (cd "$work/kernel" && apt-get -qq -o APT::Sandbox::User=root download "$image=$version") >&2 || return 1
    dpkg-deb --fsys-tarfile "$work"/kernel/*.deb | tar -x -C "$work/kernel" --wildcards './boot/vmlinuz-*'
    mkdir -p "$folder"
    mv "$work"/kernel/boot/vmlinuz-* "$folder/vmlinuz"
    rm -r "$work/kernel"
  fi
  echo "$folder/vmlinuz"
}

# Copies a program to the same path below the guest's root, with the libraries it loads.
add_program() { # path
  local file
  for file in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do
    [ -e "$work/guest$file" ] || install -D "$file" "$work/guest$file"
  done
}
