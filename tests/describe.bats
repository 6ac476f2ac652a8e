#!/usr/bin/env bats
# describe: files of the store as Docker's inspect shows them.
# shellcheck shell=bash disable=SC2016

load helper

ID=1111111111111111111111111111111111111111111111111111111111111111
IMAGE=2222222222222222222222222222222222222222222222222222222222222222

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p "store/containers/$ID" "store/images/$IMAGE" store/blobs/sha256 store/networks
	cd "store/containers/$ID" || return
	echo "$ID" >id
	echo 2026-11-24T10:00:00.000000001Z >created
	echo "$IMAGE" >image-id
	echo group >../../cgroup
	describe=$(command -v describe)
}

# of FILTER [LINE]: what jq finds in the container's object.
of() {
	printf '%b\n' "${2:-container\t$ID\tcreated\t\t}" | "$describe" "$BATS_TEST_TMPDIR/store" | jq -c ".[0] | $1"
}

@test "streams, covered paths, limits of devices" {
	[ "$(of '.Config | [.AttachStdin, .AttachStdout, .AttachStderr, .StdinOnce, .OnBuild]')" = '[false,true,true,false,null]' ]
	echo once >stdin
	[ "$(of '.Config | [.AttachStdin, .AttachStdout, .AttachStderr, .StdinOnce]')" = '[true,true,true,true]' ]
	echo stdout >attach
	[ "$(of '.Config | [.AttachStdin, .AttachStdout, .AttachStderr, .StdinOnce]')" = '[false,true,false,false]' ]
	echo >attach
	[ "$(of '.Config | [.AttachStdin, .AttachStdout, .AttachStderr]')" = '[false,false,false]' ]

	[ "$(of '.HostConfig | [.MaskedPaths, .ReadonlyPaths]')" = '[null,null]' ]
	printf '%s\n' --defaults mounts,devices,mask,readonly >unshare-run
	[ "$(of '.HostConfig.MaskedPaths | [index("/proc/kcore", "/sys/firmware") | type]')" = '["number","number"]' ]
	[ "$(of .HostConfig.ReadonlyPaths)" = '["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]' ]
	printf '%s\n' --defaults mounts,devices >unshare-run
	[ "$(of '.HostConfig | [.MaskedPaths, .ReadonlyPaths]')" = '[null,null]' ]

	printf '%s\n' --device-read-bps /dev/a:b:1mb --device-write-iops /dev/a:7 >cgset
	[ "$(of '.HostConfig | [.BlkioDeviceReadBps, .BlkioDeviceWriteIOps, .BlkioDeviceReadIOps]')" = \
		'[[{"Path":"/dev/a:b","Rate":1048576}],[{"Path":"/dev/a","Rate":7}],[]]' ]
	[ "$(of '[.AppArmorProfile, .MountLabel, .ProcessLabel]')" = '["","",""]' ]
}

@test "values, lists, numbers and what is not there" {
	printf 'sh\0-c\0echo "$x"\n\0' >argv
	printf 'A=1=2\0B\0C=\0' >labels
	printf '%s\n' --memory 1.5g --cpus .5 --pids 100 --memory-swap -1 --cpuset-cpus 0-1 --device default --device 'c 10:229 rw' >cgset
	printf '%s\n' --group-add 5 --no-new-privs --user 1:2 --ulimit nofile=10:20 --ulimit core=-1 --cap-add CHOWN --cap-add KILL >lockdown
	printf '%s\n' --sysctl a.b=c --tmpfs /t:size=1m --tmpfs /u --read-only --device /dev/fuse:/dev/other >unshare-run
	printf 'HOSTNAME=h\0A=b\0' >./env
	[ "$(of .Config.Env)" = '["A=b"]' ]
	[ "$(of '.HostConfig | [.Devices, .GroupAdd, .SecurityOpt]')" = \
		'[[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/other","CgroupPermissions":"rw"}],["5"],["no-new-privileges","seccomp=unconfined"]]' ]
	[ "$(of '[.Path, .Args, .Config.Cmd, .Config.Entrypoint]')" = '["sh",["-c","echo \"$x\"\n"],["sh","-c","echo \"$x\"\n"],null]' ]
	[ "$(of .Config.Labels)" = '{"A":"1=2","B":"","C":""}' ]
	[ "$(of '.HostConfig | [.Memory, .NanoCpus, .PidsLimit, .MemorySwap, .CpusetCpus, .CpuShares]')" = '[1610612736,500000000,100,-1,"0-1",0]' ]
	[ "$(of .HostConfig.Ulimits)" = '[{"Name":"nofile","Hard":20,"Soft":10},{"Name":"core","Hard":-1,"Soft":-1}]' ]
	[ "$(of '.HostConfig | [.Sysctls, .Tmpfs, .ReadonlyRootfs, .Privileged, .CapAdd, .CgroupParent]')" = \
		'[{"a.b":"c"},{"/t":"size=1m","/u":""},true,false,["CHOWN","KILL"],"group"]' ]
	[ "$(of '[.Config.User, .RestartCount, .State.StartedAt, .HostConfig.RestartPolicy.Name]')" = '["1:2",0,"0001-01-01T00:00:00Z","no"]' ]
}

@test "entry point and command are told apart" {
	printf 'run\0-x\0' >"../../images/$IMAGE/entrypoint"
	printf 'run\0-x\0a\0b\0' >argv
	[ "$(of '[.Config.Entrypoint, .Config.Cmd]')" = '[["run","-x"],["a","b"]]' ]
	printf '/sbin/docker-init\0--\0run\0-x\0' >argv
	[ "$(of '[.Config.Entrypoint, .Config.Cmd]')" = '[["run","-x"],null]' ]
	printf 'sh\0' >entrypoint
	printf 'sh\0-c\0' >argv
	[ "$(of '[.Config.Entrypoint, .Config.Cmd]')" = '[["sh"],["-c"]]' ]
	printf '\0' >entrypoint # --entrypoint ''
	[ "$(of '[.Config.Entrypoint, .Config.Cmd]')" = '[null,["sh","-c"]]' ]
}

@test "state: running, paused, restarting, ended" {
	echo 137 >./exit
	printf 'two\nlines' >error
	: >oom-killed
	[ "$(of '.State | [.Status, .Running, .Pid]' "container\t$ID\trunning\t12\t")" = '["running",true,12]' ]
	[ "$(of '.State | [.Status, .Running, .Paused]' "container\t$ID\trunning\t12\ttrue")" = '["paused",true,true]' ]
	[ "$(of '.State | [.Status, .Running, .Restarting]' "container\t$ID\trestarting\t\t")" = '["restarting",true,true]' ]
	[ "$(of '.State | [.ExitCode, .Error, .OOMKilled, .Dead]' "container\t$ID\tdead\t\t")" = '[137,"two\nlines",true,true]' ]
	[ "$(of '[.SizeRw, .SizeRootFs]' "container\t$ID\tcreated\t\t\t5\t7")" = '[5,7]' ]
	[ "$(of 'has("SizeRw")')" = false ]
}

@test "health: the results from the oldest on" {
	printf 'true\0' >health-test
	printf '%s\n' --interval 1m30s --timeout 1.5s --retries 4 >health
	mkdir checks
	[ "$(of .State.Health)" = '{"Status":"starting","FailingStreak":0,"Log":[]}' ]
	echo unhealthy >checks/status
	echo 7 >checks/streak
	printf '2026-11-24T10:00:02Z 2026-11-24T10:00:03Z 0\nfine\n' >checks/result.0
	printf '2026-11-24T10:00:01Z 2026-11-24T10:00:02Z 1\n\377' >checks/result.1
	printf 'torn' >checks/result.2
	[ "$(of '.State.Health | [.Status, .FailingStreak]')" = '["unhealthy",7]' ]
	[ "$(of '.State.Health.Log | map([.ExitCode, .Output])')" = '[[1,"'$'\xef\xbf\xbd''"],[0,"fine\n"]]' ]
	[ "$(of .Config.Healthcheck)" = '{"Test":["CMD","true"],"Interval":90000000000,"Timeout":1500000000,"StartPeriod":0,"StartInterval":0,"Retries":4}' ]
}

@test "mounts, volumes, networks and ports" {
	printf '%s\n' --bind /a /b --propagation rshared --ro-bind /v/named /n --bind /v/anon /o >unshare-run
	printf '%s\n' 'named named ro ro /n' 'anon anonymous rw - /o' >volumes
	[ "$(of '.Mounts | map([.Type, .Name, .Destination, .Mode, .RW, .Propagation])')" = \
		'[["bind",null,"/b","",true,"rprivate"],["volume","named","/n","ro",false,""],["volume","anon","/o","z",true,""]]' ]
	[ "$(of '[.HostConfig.Binds, .Config.Volumes]')" = '[["/a:/b","named:/n:ro"],{"/o":{}}]' ]
	[ "$(of '.Mounts[2] | has("Anonymous")')" = false ]
	mkdir -p ../../networks/net/endpoints
	printf 'net,alias=x,ip=10.0.0.9,alias=y\nlost\n' >networks
	echo 33 >../../networks/net/id
	echo 10.0.0.0/24 >../../networks/net/subnet
	echo 10.0.0.1 >../../networks/net/gateway
	[ "$(of '.NetworkSettings.Networks.net | [.IPAddress, .Gateway, .IPPrefixLen, .NetworkID, .Aliases]')" = '["","",0,"33",["x","y"]]' ]
	printf 'interface eth0\naddress 10.0.0.9\nmac 02:42:0a:00:00:09\n' >"../../networks/net/endpoints/$ID"
	[ "$(of '.NetworkSettings.Networks.net | [.IPAddress, .Gateway, .IPPrefixLen, .MacAddress, .IPAMConfig.IPv4Address, .EndpointID]')" = \
		'["10.0.0.9","10.0.0.1",24,"02:42:0a:00:00:09","10.0.0.9","'$ID'"]' ]
	[ "$(of '.NetworkSettings.Networks.lost.NetworkID')" = '""' ]
	printf 'any 0 80/tcp\n127.0.0.1 8080 80/tcp\n' >publish
	printf '0.0.0.0 32768 80/tcp\n127.0.0.1 8080 80/tcp\n' >ports
	printf '80/tcp\n90/udp\n' >exposed
	[ "$(of .HostConfig.PortBindings)" = '{"80/tcp":[{"HostIp":"","HostPort":""},{"HostIp":"127.0.0.1","HostPort":"8080"}]}' ]
	[ "$(of .NetworkSettings.Ports)" = '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"},{"HostIp":"127.0.0.1","HostPort":"8080"}],"90/udp":null}' ]
}

@test "an image: its config, its names" {
	printf '{"created":"c","config":{"Env":["A=b"]},"os":"linux","architecture":"arm","variant":"v7","history":[{},{"comment":"last"}],"rootfs":{"diff_ids":["sha256:x"]}}' \
		>"../../blobs/sha256/$IMAGE"
	echo 99 >"../../images/$IMAGE/size"
	line="image\t$IMAGE\tb:5000/c/d:v <none>\ta:1 sha256:x\ta@sha256:x sha256:x"
	[ "$(of '[.Id, .Created, .Config, .Os, .Architecture, .Variant, .Comment, .Author, .Size, .RootFS.Layers]' "$line")" = \
		'["sha256:'$IMAGE'","c",{"Env":["A=b"]},"linux","arm","v7","last","",99,["sha256:x"]]' ]
	[ "$(of '[.RepoTags, .RepoDigests]' "$line")" = '[["a:1","b:5000/c/d:v"],["a@sha256:x"]]' ]
	echo '[1' >"../../blobs/sha256/$IMAGE"
	expect 1 "$describe" ../.. <<<"image	$IMAGE"
}

@test "forms of output; what is not there; wrong lines" {
	printf '%b\n' "container\t$ID\tcreated\t\t" "container\t$ID\tcreated\t\t" >lines
	[ "$("$describe" -c ../.. <lines | wc -l)" -eq 1 ]
	[ "$("$describe" -l ../.. <lines | wc -l)" -eq 2 ]
	[ "$("$describe" ../.. </dev/null)" = '[]' ]
	expect 1 "$describe" -c ../.. <<<"container	$IMAGE	created		"
	[[ $output == *"container $IMAGE is not there"*'[]' ]] || fail "$output"
	rm created # in the making
	expect 1 "$describe" -c ../.. <lines
	expect 125 "$describe" ../.. <<<'container	../../x	created		'
	expect 125 "$describe" ../.. <<<"container	$ID"
	expect 125 "$describe" ../.. <<<"other	$ID	created		"
	expect 125 "$describe"
	expect 125 "$describe" -c -l ../..
	expect 125 "$describe" nowhere
	expect 0 "$describe" -h
}
