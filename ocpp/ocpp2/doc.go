// Package ocpp2 has the messages of OCPP 2.0.1 and 2.1: structs, enums, validation and
// typed actions, generated from the field table messages.txt. Everything is a value;
// nothing is shared. It knows nothing of connections or a site.
//
// One set of types serves both versions. What 2.1 added is optional in Go and named
// in a remark at the member; what it changed in limits is known to ValidateFor, which
// takes the version that is spoken. Validate is ValidateFor the newest. Numbers that
// became decimals in 2.1 are ocpp.Decimal; enumerations that it opened to any text are
// still enumerations in Go.
//
// Types have the specification's names without their suffix "Type" or "EnumType"; an
// enumeration keeps "Enum" where another name needs it (ResetEnum, IDTokenEnum).
//
// Optional members are pointers or nil slices. Whether a required number was there at
// all is seen only by ocpp.DecodeStrict, because 0 is a value.
package ocpp2

//go:generate go run ../internal/gen ocpp2 messages.txt
