// Package notify tells others what the node does: commands of the operator,
// as Bitcoin Core's blocknotify, startupnotify and shutdownnotify run them, and
// the service manager that started the node.
package notify
