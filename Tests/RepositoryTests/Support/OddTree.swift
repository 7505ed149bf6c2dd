import Testing

/// A directory with one of everything that a file system can hold, made and listed by the system's own programs.
enum OddTree {
  /// Makes it at `path`. Owners other than root's are set where the test runs as root.
  static func make(at path: String) async throws {
    try await shell(
      #"""
      set -e
      mkdir -p "$1"; cd "$1"; umask 022
      printf hello > plain; : > empty; chmod 600 plain
      mkdir -p directory/deep/deeper nothing; printf x > directory/deep/deeper/leaf; chmod 2750 directory
      for mode in 000 400 755 4755 2755 1777; do printf "$mode" > "mode-$mode"; chmod $mode "mode-$mode"; done
      ln -s plain link; ln -s /does/not/exist dangling; ln -s $'not utf8 \xff' 'odd link'
      printf linked > first; ln first second; ln first directory/third
      : > empty-first; ln empty-first empty-second
      mkfifo pipe
      printf q > 'with "quotes" and \backslash'; printf n > $'new\nline'; printf t > $'tab\there'
      printf i > $'invalid \xc3\x28 \xff utf8'; printf u > 'ünïcödé – 日本'; printf h > '<html> & co'; printf c > $'\x01\x7f'
      printf s > ' leading space'; printf d > '-dash'; printf w > $'zero width \xe2\x80\x8b'
      printf l > "$(printf 'n%.0s' $(seq 250))"
      truncate -s 20M sparse; printf middle | dd of=sparse bs=1 seek=10000000 conv=notrunc status=none
      head -c 5000000 /dev/urandom > large; head -c 3000000 /dev/zero > zeros
      touch -d '1969-12-31 23:59:58.123456789 UTC' old; touch -d '2042-01-02 03:04:05.000000001 UTC' future
      touch -h -d '2001-02-03 04:05:06.7 UTC' link
      setfattr -n user.comment -v 'a value' plain; setfattr -n user.binary -v 0x00ff10 directory; setfattr -n user.empty plain
      if [ "$(id -u)" = 0 ]; then
        mknod null c 1 3; mknod disk b 7 99
        chown 1234:4321 plain directory/deep; chown -h 55:66 dangling
        printf o > owned; chown 1000:1000 owned; chmod 4711 owned
        setfattr -n trusted.note -v t empty
      fi
      touch -d '2010-10-10 10:10:10.5 UTC' directory/deep nothing directory
      """#, path)
  }

  /// What a restore has to bring back: kinds, modes, owners, times, link counts, sizes, targets, contents, attributes.
  static func listing(of path: String) async throws -> String {
    try await shell(
      #"""
      set -e
      cd "$1"
      find . -mindepth 1 ! -type d -printf '%y %#m %U %G %T@ %n %s [%l] %P\0' | sort -z | tr '\0' '\n'
      find . -mindepth 1 -type d -printf '%y %#m %U %G %T@ %P\0' | sort -z | tr '\0' '\n'
      find . -type f -print0 | sort -z | xargs -0 sha256sum -z | tr '\0' '\n'
      find . -mindepth 1 -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex
      """#, path)
  }

  /// Runs a shell script with one argument, and gives its output.
  @discardableResult
  static func shell(_ script: String, _ argument: String = "") async throws -> String {
    let outcome = try await Program(path: "/bin/bash", arguments: ["-c", script, "shell", argument]).run()
    #expect(outcome.status == 0, "\(outcome.output)")
    return outcome.output
  }
}
