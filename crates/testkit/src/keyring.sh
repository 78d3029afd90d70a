# Runs a session bus of its own, and on it a Secret Service, until standard input ends.
# usage: sh keyring.sh FOLDER unlocked|locked|none
# FOLDER holds everything: the bus's socket, the home of the daemon, its keyring. Prints "ready" once it can be used.
set -eu
folder=$1 state=$2
bus= keyring=

# whoever offers the Secret Service now: a test may have replaced the daemon that was started here
owner() {
	gdbus call --session --timeout 2 --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
		--method org.freedesktop.DBus.GetConnectionUnixProcessID org.freedesktop.secrets | tr -dc '0-9 ' | cut -d' ' -f2
}

stop() {
	for pid in $keyring $(owner) $bus; do
		# a daemon that a test has frozen must go on to be ended
		kill -TERM "$pid" && kill -CONT "$pid" || :
	done 2>/dev/null
	for pid in $keyring $bus; do wait "$pid" || :; done 2>/dev/null
}
trap stop EXIT
trap 'exit 1' HUP INT TERM

# with "none", the bus must not be able to start the installed Secret Service by itself
[ "$state" = none ] && activation= || activation='<standard_session_servicedirs/>'
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

if [ "$state" != none ]; then
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
