package controller

// Keys of the station towards the cloud that the Site itself acts on, in OCPP 1.6
// words (16§9.1). The upstream adapter validates values and knows the others.
const (
	SettingSampleInterval        = "MeterValueSampleInterval"
	SettingCacheEnabled          = "AuthorizationCacheEnabled"
	SettingLocalAuthorizeOffline = "LocalAuthorizeOffline"
	SettingAllowOfflineUnknown   = "AllowOfflineTxForUnknownId"
	SettingAuthorizeRemote       = "AuthorizeRemoteTxRequests"
	SettingStopOnInvalid         = "StopTransactionOnInvalidId"
)

func defaultSettings() map[string]string {
	return map[string]string{
		SettingSampleInterval:        "60",
		SettingCacheEnabled:          "true",
		SettingLocalAuthorizeOffline: "true",
		SettingAllowOfflineUnknown:   "false",
		SettingAuthorizeRemote:       "false",
		SettingStopOnInvalid:         "true",
	}
}

func (s *Site) settingChanged(ev SettingChanged) {
	s.settings[ev.Key] = ev.Value
	reply := ev.Reply
	s.persist(func() { s.answer(reply, CommandAnswer{Status: "Accepted"}) }, SettingRow{Key: ev.Key, Value: ev.Value})
	s.stir()
}
