/*
 * What of /proc and /sys is no business of a container (Docker's lists), but for
 * /sys/devices/system/cpu/cpuN/thermal_throttle: the parts that unshare-run masks or protects, and
 * describe tells of.
 */
#ifndef MASKS_H
#define MASKS_H

/* They tell about the host, or let power and heat be measured. */
static const char *const masked_paths[] = {
	"/proc/acpi",	     "/proc/asound",  "/proc/interrupts",
	"/proc/kcore",	     "/proc/keys",    "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
	"/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
};

/* They change the host. */
static const char *const read_only_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

#endif
