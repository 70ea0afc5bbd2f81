/** The Ionic components and icons that the screens use. */

import { initialize } from '@ionic/core/components';
import { defineCustomElement as alert } from '@ionic/core/components/ion-alert.js';
import { defineCustomElement as app } from '@ionic/core/components/ion-app.js';
import { defineCustomElement as badge } from '@ionic/core/components/ion-badge.js';
import { defineCustomElement as button } from '@ionic/core/components/ion-button.js';
import { defineCustomElement as buttons } from '@ionic/core/components/ion-buttons.js';
import { defineCustomElement as checkbox } from '@ionic/core/components/ion-checkbox.js';
import { defineCustomElement as chip } from '@ionic/core/components/ion-chip.js';
import { defineCustomElement as content } from '@ionic/core/components/ion-content.js';
import { defineCustomElement as footer } from '@ionic/core/components/ion-footer.js';
import { defineCustomElement as header } from '@ionic/core/components/ion-header.js';
import { defineCustomElement as input } from '@ionic/core/components/ion-input.js';
import { defineCustomElement as item } from '@ionic/core/components/ion-item.js';
import { defineCustomElement as label } from '@ionic/core/components/ion-label.js';
import { defineCustomElement as list } from '@ionic/core/components/ion-list.js';
import { defineCustomElement as menu } from '@ionic/core/components/ion-menu.js';
import { defineCustomElement as menuButton } from '@ionic/core/components/ion-menu-button.js';
import { defineCustomElement as menuToggle } from '@ionic/core/components/ion-menu-toggle.js';
import { defineCustomElement as note } from '@ionic/core/components/ion-note.js';
import { defineCustomElement as progressBar } from '@ionic/core/components/ion-progress-bar.js';
import { defineCustomElement as searchbar } from '@ionic/core/components/ion-searchbar.js';
import { defineCustomElement as segment } from '@ionic/core/components/ion-segment.js';
import { defineCustomElement as segmentButton } from '@ionic/core/components/ion-segment-button.js';
import { defineCustomElement as select } from '@ionic/core/components/ion-select.js';
import { defineCustomElement as selectOption } from '@ionic/core/components/ion-select-option.js';
import { defineCustomElement as skeleton } from '@ionic/core/components/ion-skeleton-text.js';
import { defineCustomElement as spinner } from '@ionic/core/components/ion-spinner.js';
import { defineCustomElement as splitPane } from '@ionic/core/components/ion-split-pane.js';
import { defineCustomElement as textarea } from '@ionic/core/components/ion-textarea.js';
import { defineCustomElement as title } from '@ionic/core/components/ion-title.js';
import { defineCustomElement as toast } from '@ionic/core/components/ion-toast.js';
import { defineCustomElement as toggle } from '@ionic/core/components/ion-toggle.js';
import { defineCustomElement as toolbar } from '@ionic/core/components/ion-toolbar.js';
import { addIcons } from 'ionicons';
import { defineCustomElement as icon } from 'ionicons/components/ion-icon.js';
import {
  add,
  arrowBack,
  basketOutline,
  checkmark,
  close,
  cloudOfflineOutline,
  copyOutline,
  imageOutline,
  peopleOutline,
  playOutline,
  radioOutline,
  restaurantOutline,
  searchOutline,
  settingsOutline,
  stopOutline,
  syncOutline,
  timeOutline,
  trashOutline,
  warningOutline,
} from 'ionicons/icons';

export function defineComponents(): void {
  // One look on every desktop.
  initialize({ mode: 'md' });
  for (const define of [
    ...[alert, app, badge, button, buttons, checkbox, chip, content, footer, header, icon, input],
    ...[item, label, list, menu, menuButton, menuToggle, note, progressBar, searchbar, segment],
    ...[segmentButton, select, selectOption, skeleton, spinner, splitPane, textarea, title, toast],
    ...[toggle, toolbar],
  ]) {
    define();
  }
  addIcons({
    add,
    arrowBack,
    basketOutline,
    checkmark,
    cloudOfflineOutline,
    close,
    copyOutline,
    imageOutline,
    peopleOutline,
    playOutline,
    radioOutline,
    restaurantOutline,
    searchOutline,
    settingsOutline,
    stopOutline,
    syncOutline,
    timeOutline,
    trashOutline,
    warningOutline,
  });
}
