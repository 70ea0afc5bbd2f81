//! Words too common to search for.

/// The stop words of a language; none but English and French have any.
pub(super) fn stop_words(language: &str) -> Vec<&'static str> {
    match language {
        "en" => ENGLISH.split(' ').collect(),
        "fr" => FRENCH.split(' ').collect(),
        _ => Vec::new(),
    }
}

/// Sorted by bytes.
const ENGLISH: &str = "\
    a about above after again against all am an and any are as at be because been before \
    being below between both but by could did do does doing down during each few for from \
    further had has have having he her here hers herself him himself his how i if in into is \
    it its itself me more most my myself no nor not of off on once only or other ought our \
    ours ourselves out over own same she should so some such than that the their theirs them \
    themselves then there these they this those through to too under until up very was we \
    were what when where which while who whom why with would you your yours yourself \
    yourselves";

/// Sorted by bytes.
const FRENCH: &str = "\
    ai aie aient aies ait as au aura aurai auraient aurais aurait auras aurez auriez aurions \
    aurons auront aux avaient avais avait avec avez aviez avions avons ayant ayante ayantes \
    ayants ayez ayons c ce ceci cela celà ces cet cette d dans de des du elle en es est et \
    eu eue eues eurent eus eusse eussent eusses eussiez eussions eut eux eûmes eût eûtes \
    furent fus fusse fussent fusses fussiez fussions fut fûmes fût fûtes ici il ils j je l \
    la le les leur leurs lui m ma mais me mes moi mon même n ne nos notre nous on ont ou par \
    pas pour qu que quel quelle quelles quels qui s sa sans se sera serai seraient serais \
    serait seras serez seriez serions serons seront ses soi soient sois soit sommes son sont \
    soyez soyons suis sur t ta te tes toi ton tu un une vos votre vous y à étaient étais \
    était étant étante étantes étants étiez étions été étée étées étés êtes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_free_of_repeats() {
        for language in ["en", "fr"] {
            let words = stop_words(language);
            assert!(words.len() > 100);
            assert!(words.is_sorted_by(|a, b| a < b), "{language}");
        }
        assert!(stop_words("de").is_empty());
    }
}
