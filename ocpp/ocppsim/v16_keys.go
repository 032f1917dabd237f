package ocppsim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// key is one entry of the configuration (16§9).
type key struct {
	name, value string
	kind        keyKind
}

type keyKind uint8

const (
	keyText keyKind = iota
	keyFixed
	keyNumber     // 0 and more
	keyBool       // true or false
	keyMeasurands // a list that the charger can measure
)

func defaultKeys(cfg *ChargerConfig) []key {
	features := "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
	if cfg.has(QuirkNoSmartCharging) {
		features = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,RemoteTrigger"
	}
	return []key{
		{"AuthorizationCacheEnabled", "true", keyBool},
		{"AuthorizeRemoteTxRequests", "false", keyBool},
		{"ChargeProfileMaxStackLevel", strconv.Itoa(maxStackLevel), keyFixed},
		{"ChargingScheduleAllowedChargingRateUnit", "Current,Power", keyFixed},
		{"ChargingScheduleMaxPeriods", strconv.Itoa(maxPeriods), keyFixed},
		{"ClockAlignedDataInterval", "0", keyNumber},
		{"ConnectionTimeOut", "60", keyNumber},
		{"GetConfigurationMaxKeys", "50", keyFixed},
		{"HeartbeatInterval", "300", keyNumber},
		{"LocalAuthListEnabled", "true", keyBool},
		{"LocalAuthListMaxLength", "1000", keyFixed},
		{"LocalAuthorizeOffline", "true", keyBool},
		{"LocalPreAuthorize", "false", keyBool},
		{"MaxChargingProfilesInstalled", strconv.Itoa(maxProfiles), keyFixed},
		{"MeterValueSampleInterval", "60", keyNumber},
		{"MeterValuesAlignedData", "", keyMeasurands},
		{"MeterValuesSampledData", "Energy.Active.Import.Register", keyMeasurands},
		{"MinimumStatusDuration", "0", keyNumber},
		{"NumberOfConnectors", strconv.Itoa(len(cfg.Outlets)), keyFixed},
		{"SendLocalListMaxLength", "100", keyFixed},
		{"StopTransactionOnInvalidId", "true", keyBool},
		{"StopTxnAlignedData", "", keyMeasurands},
		{"StopTxnSampledData", "", keyMeasurands},
		{"SupportedFeatureProfiles", features, keyFixed},
		{"TransactionMessageAttempts", "3", keyNumber},
		{"TransactionMessageRetryInterval", "20", keyNumber},
		{"WebSocketPingInterval", "0", keyNumber},
	}
}

// takes reports whether the key of a charger can be set to value.
func (k *key) takes(cfg *ChargerConfig, value string) bool {
	switch k.kind {
	case keyFixed:
		return false
	case keyNumber:
		n, err := strconv.Atoi(value)
		return err == nil && n >= 0
	case keyBool:
		return value == "true" || value == "false"
	case keyMeasurands:
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" && !cfg.measures(name) {
				return false
			}
		}
	}
	return true
}

func (d *v16) key(name string) *key {
	i := slices.IndexFunc(d.keys, func(k key) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return nil
	}
	return &d.keys[i]
}

// seconds is the value of a key that is a time; 0 if it is off.
func (d *v16) seconds(name string) time.Duration {
	n, err := strconv.Atoi(d.key(name).value)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

func (k *key) told() ocpp16.KeyValue {
	value := k.value
	return ocpp16.KeyValue{Key: k.name, Readonly: k.kind == keyFixed, Value: &value}
}

func (d *v16) getConfiguration(_ context.Context, _ *ocpp.Conn, req ocpp16.GetConfigurationRequest, _ *ocpp.Request) (ocpp16.GetConfigurationResponse, error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	var resp ocpp16.GetConfigurationResponse
	if len(req.Key) == 0 {
		for i := range d.keys {
			resp.ConfigurationKey = append(resp.ConfigurationKey, d.keys[i].told())
		}
		return resp, nil
	}
	for _, name := range req.Key {
		if k := d.key(name); k != nil {
			resp.ConfigurationKey = append(resp.ConfigurationKey, k.told())
		} else {
			resp.UnknownKey = append(resp.UnknownKey, name)
		}
	}
	return resp, nil
}

func (d *v16) changeConfiguration(_ context.Context, _ *ocpp.Conn, req ocpp16.ChangeConfigurationRequest, _ *ocpp.Request) (ocpp16.ChangeConfigurationResponse, error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	k := d.key(req.Key)
	switch {
	case k == nil:
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusNotSupported}, nil
	case !k.takes(&c.cfg, req.Value):
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusRejected}, nil
	}
	changed := k.value != req.Value
	k.value = req.Value
	if changed {
		c.retimed()
	}
	return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusAccepted}, nil
}
