// Package hdkey derives keys from keys: the extended private and public keys of
// BIP 32, their text form and their children.
//
// It is not for making seeds, nor for keeping keys: it takes them as arguments,
// and nothing here takes the same time for every secret.
package hdkey
