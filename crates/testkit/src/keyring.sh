# Runs a session bus of its own, and on it a Secret Service, until standard input ends.
# usage: sh keyring.sh FOLDER unlocked|locked|none|keepassxc
# FOLDER holds everything: the bus's socket, the home of the daemon, its keyring. Prints "ready" once it can be used.
set -eu
folder=$1 state=$2
bus= keyring= screen=

# whoever offers the Secret Service now: a test may have replaced the daemon that was started here
owner() {
	gdbus call --session --timeout 2 --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
		--method org.freedesktop.DBus.GetConnectionUnixProcessID org.freedesktop.secrets | tr -dc '0-9 ' | cut -d' ' -f2
}

stop() {
	for pid in $keyring $(owner) $screen $bus; do
		# a daemon that a test has frozen must go on to be ended
		kill -TERM "$pid" && kill -CONT "$pid" || :
	done 2>/dev/null
	for pid in $keyring $screen $bus; do wait "$pid" || :; done 2>/dev/null
}
trap stop EXIT
trap 'exit 1' HUP INT TERM

# with "none" and "keepassxc", the bus must not be able to start gnome-keyring by itself
case $state in
none | keepassxc) activation= ;;
*) activation='<standard_session_servicedirs/>' ;;
esac
cat >"$folder/bus.conf" <<XML
<busconfig>
  <type>session</type>
  <listen>unix:path=$folder/bus</listen>
  <auth>EXTERNAL</auth>
  $activation
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
XML
dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile >"$folder/bus.log" 2>&1 </dev/null &
bus=$!
tries=500
until [ -S "$folder/bus" ]; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] && kill -0 "$bus" || { cat "$folder/bus.log" >&2; exit 1; }
	sleep 0.02
done

# KeePassXC is a program with windows: it needs a screen, which nobody looks at. Its database exposes its root group.
start_keepassxc() {
	Xvfb -displayfd 3 -nolisten tcp -screen 0 640x480x24 3>"$folder/screen" >"$folder/screen.log" 2>&1 </dev/null &
	screen=$!
	until [ -s "$folder/screen" ]; do pause "$screen" "$folder/screen.log"; done
	cat >"$folder/database.xml" <<-XML
		<KeePassFile><Meta><DatabaseName>test</DatabaseName><CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key>
		<Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item></CustomData></Meta>
		<Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root></KeePassFile>
	XML
	printf 'test\ntest\n' | keepassxc-cli import -q -p "$folder/database.xml" "$folder/test.kdbx" >"$folder/keyring.log" 2>&1
	cat >"$folder/keepassxc.ini" <<-INI
		[General]
		ConfigVersion=2
		SingleInstance=true
		UpdateCheckMessageShown=true
		[FdoSecrets]
		Enabled=true
		ConfirmAccessItem=false
		ConfirmDeleteItem=false
		ShowNotification=false
		UnlockBeforeSearch=false
		[GUI]
		CheckForUpdates=false
	INI
	printf 'test\n' >"$folder/password"
	# the lock of its only instance lies there
	export TMPDIR="$folder"
	DISPLAY=":$(cat "$folder/screen")" keepassxc --config "$folder/keepassxc.ini" \
		--localconfig "$folder/local.ini" --pw-stdin "$folder/test.kdbx" <"$folder/password" >"$folder/keyring.log" 2>&1 &
	keyring=$!
	echo "$keyring" >"$folder/keyring.pid"
	until is_locked | grep -q false; do pause "$keyring" "$folder/keyring.log"; done
}

# whether the database is, as KeePassXC tells it; nothing before there is one
is_locked() {
	gdbus call --session --timeout 2 --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets/collection/test \
		--method org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Locked 2>/dev/null || :
}

# waits a little for a program that has to be alive
pause() {
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] && kill -0 "$1" || { cat "$2" >&2; exit 1; }
	sleep 0.05
}

if [ "$state" = keepassxc ]; then
	tries=1200
	start_keepassxc
elif [ "$state" != none ]; then
	# the password of a keyring that lives as long as one test
	printf %s test >"$folder/password"
	gnome-keyring-daemon --foreground --unlock --components=secrets --control-directory="$folder/run/keyring" \
		<"$folder/password" >"$folder/keyring.log" 2>&1 &
	keyring=$!
	echo "$keyring" >"$folder/keyring.pid"
	gdbus wait --session --timeout 20 org.freedesktop.secrets || { cat "$folder/keyring.log" >&2; exit 1; }
fi
if [ "$state" = locked ]; then
	gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
		--method org.freedesktop.Secret.Service.Lock '["/org/freedesktop/secrets/collection/login"]' >/dev/null
fi
echo ready
while read -r _; do :; done
