// Package ocpp16 has the messages of OCPP 1.6 with the security extension: structs,
// enums, Validate and typed actions, generated from the field table messages.txt.
// Everything is a value; nothing is shared. It knows nothing of connections or a site.
//
// Optional members are pointers or nil slices. Validate tells what the specification
// does not allow; whether a required number was there at all is seen only by
// ocpp.DecodeStrict, because 0 is a value.
package ocpp16

//go:generate go run ../internal/gen ocpp16 messages.txt
