#!/usr/bin/python3
"""odil as the one that asks for a study by C-GET, by its Python binding, which Debian has for its own Python.

  odil_peer.py PORT STUDY SOPCLASS...

Its command line cannot: where an archive does not answer SOP Classes in Study, it fails in a dictionary of its own. Prints the
SOP Instance UID of each object that comes.
"""
import sys

import odil


def main():
    port, study, classes = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    context, syntaxes = odil.AssociationParameters.PresentationContext, [odil.registry.ExplicitVRLittleEndian]
    association = odil.Association()
    association.set_peer_host("127.0.0.1")
    association.set_peer_port(port)
    association.update_parameters().set_calling_ae_title("ODIL").set_called_ae_title("CASSETTE").set_presentation_contexts(
        [context(1, odil.registry.StudyRootQueryRetrieveInformationModelGet, syntaxes, context.Role.SCU)] +
        [context(2 * i + 3, sop_class, syntaxes, context.Role.SCP) for i, sop_class in enumerate(classes)])
    association.associate()
    query = odil.DataSet()
    query.add("QueryRetrieveLevel", ["STUDY"])
    query.add("StudyInstanceUID", [study])
    get = odil.GetSCU(association)
    get.set_affected_sop_class(odil.registry.StudyRootQueryRetrieveInformationModelGet)
    for data_set in get.get(query):
        instance = data_set.as_string("SOPInstanceUID")[0]
        print(instance.decode() if isinstance(instance, bytes) else instance)
    association.release()


main()
